internal import Chat
internal import Core
internal import NIOCore

/// A source that an answer names for its text, whichever dialect named it.
///
/// Chat and Responses: `{type,url_citation:{start_index,end_index,url,title}}`, the second without the inner object;
/// Anthropic: `{type,cited_text,url|document_index,…}`; Bedrock: `{title,source,sourceContent,location:{web|…}}`;
/// Cohere: `{start,end,text,sources:[{document:{url,title}}]}`.
struct CitedSource {
    /// Where in what the client sent the source stands.
    enum Place {
        case characters(document: Int, start: Int, end: Int)
        case pages(document: Int, start: Int, end: Int)
        case blocks(document: Int, start: Int, end: Int)
        case searchResult(index: Int, start: Int, end: Int)
    }

    var url: JSONString?
    var title: JSONString?
    /// The characters of the answer that it is for.
    var start: Int?
    var end: Int?
    /// What it says, or what of the answer it is for.
    var text: JSONString?
    var place: Place?

    private static let names = JSONNames(
        "url_citation",
        "url",
        "uri",
        "title",
        "start_index",
        "end_index",
        "start",
        "end",
        "cited_text",
        "text",
        "location",
        "sources",
        "sourceContent",
        "document_title"
    )

    init(_ citation: JSONFragment) { self.read(citation, depth: 0) }

    private mutating func read(_ object: JSONFragment, depth: Int) {
        var source = self
        object.visitMembers { key, value in source.take(Self.names.position(of: key), value, depth: depth) }
        self = source
    }

    private mutating func take(_ name: Int?, _ value: JSONFragment, depth: Int) {
        switch name {
        case 0: if depth == 0 { self.read(value, depth: 1) }
        case 1, 2: self.url = value.string ?? self.url
        case 3, 13: self.title = value.string ?? self.title
        case 4, 6: self.start = value.int.flatMap { $0 >= 0 ? $0 : nil } ?? self.start
        case 5, 7: self.end = value.int.flatMap { $0 >= 0 ? $0 : nil } ?? self.end
        case 8, 9: self.text = value.string ?? self.text
        case 10: self.readLocation(value)
        case 11: if depth == 0 { self.readSources(value) }
        case 12:
            var texts: [JSONString] = []
            value.visitElements { if let text = $0.value(of: "text")?.string { texts.append(text) } }
            self.text = JSONString(joining: texts)
        default: break
        }
    }

    /// Cohere's: the first of the documents that has an address.
    private mutating func readSources(_ list: JSONFragment) {
        var source = self
        list.visitElements { element in
            guard source.url == nil, let document = element.value(of: "document") else { return }
            source.url = document.value(of: "url")?.string
            source.title = document.value(of: "title")?.string ?? source.title
        }
        self = source
    }

    /// Bedrock's, an object with one member that says of what kind it is.
    private mutating func readLocation(_ location: JSONFragment) {
        func number(_ value: JSONFragment, _ name: StaticString) -> Int? {
            value.value(of: name)?.int.flatMap { $0 >= 0 ? $0 : nil }
        }
        var source = self
        location.visitMembers { key, value in
            if key.equals("web") { source.url = value.value(of: "url")?.string ?? source.url }
            let index = number(value, key.equals("searchResultLocation") ? "searchResultIndex" : "documentIndex")
            guard let index, let start = number(value, "start"), let end = number(value, "end") else { return }
            if key.equals("documentChar") { source.place = .characters(document: index, start: start, end: end) }
            if key.equals("documentPage") { source.place = .pages(document: index, start: start, end: end) }
            if key.equals("documentChunk") { source.place = .blocks(document: index, start: start, end: end) }
            if key.equals("searchResultLocation") {
                source.place = .searchResult(index: index, start: start, end: end)
            }
        }
        self = source
    }
}
