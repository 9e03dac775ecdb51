import Core
import NIOCore
import TestKit
import Testing
import Wire

/// Forms, in whatever pieces they come.
@Suite struct MultipartTests {
    /// What a body was read as.
    struct Reading: Equatable {
        struct Part: Equatable {
            var name: String
            var isFile: Bool
            var value = ""
            /// What stands at the offsets that were told.
            var told = ""
        }

        var parts: [Part] = []
        var isComplete = false
        var error: MultipartError?
    }

    static func read(_ text: String, boundary: String = "xyz", cuts: [Int] = []) throws -> Reading {
        let bytes = Array(text.utf8)
        let type = "multipart/form-data; boundary=\(boundary)"
        var scanner = MultipartScanner(try MultipartBoundary(contentType: type.utf8))
        var reading = Reading()
        var values: [[UInt8]] = []
        var begins: [Int] = []
        var last = 0
        func note(_ event: MultipartEvent) {
            switch event {
            case .part(let head, let at):
                reading.parts.append(.init(name: head.name, isFile: head.isFile))
                values.append([])
                begins.append(at)
            case .data(let data):
                values[values.count - 1] += data
            case .partEnd(let at):
                let told = bytes[(begins.last ?? 0)..<at]
                reading.parts[reading.parts.count - 1].told = String(decoding: told, as: UTF8.self)
            case .end:
                reading.isComplete = true
            }
        }
        for cut in cuts + [bytes.count] where reading.error == nil {
            reading.error = Self.fault {
                try bytes[last..<cut].withUnsafeBytes { try scanner.scan($0) { note($0) } }
            }
            last = cut
        }
        if reading.error == nil { reading.error = Self.fault { try scanner.close() } }
        for (index, value) in values.enumerated() {
            reading.parts[index].value = String(decoding: value, as: UTF8.self)
        }
        return reading
    }

    private static func fault(_ body: () throws -> Void) -> MultipartError? {
        do {
            try body()
            return nil
        } catch {
            return error as? MultipartError
        }
    }

    static let model = "--xyz\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1"
    static let file =
        "\r\n--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n"
        + "Content-Type: audio/mpeg\r\n\r\n\r\r\n\r\n-\r\n--xy\r\n--xY\r\n--x\r\r\n--"
    static let end = "\r\n--xyz--\r\n"
    static let form = model + file + end

    @Test func `a form is the same at every split point`() throws {
        let whole = try Self.read(Self.form)
        #expect(whole.error == nil && whole.isComplete)
        #expect(whole.parts.map(\.name) == ["model", "file"])
        #expect(whole.parts.map(\.isFile) == [false, true])
        #expect(whole.parts[0].value == "whisper-1")
        #expect(whole.parts[1].value == "\r\r\n\r\n-\r\n--xy\r\n--xY\r\n--x\r\r\n--")
        #expect(whole.parts.allSatisfy { $0.value == $0.told })
        let count = Self.form.utf8.count
        for cut in 0...count {
            #expect(try Self.read(Self.form, cuts: [cut]) == whole, "cut at \(cut)")
        }
        for step in 1...7 {
            #expect(try Self.read(Self.form, cuts: Array(stride(from: 0, to: count, by: step))) == whole)
        }
    }

    @Test func `an empty value and a form that ends without a line break are whole`() throws {
        let reading = try Self.read("--xyz\r\ncontent-disposition: form-data;name=a\r\n\r\n\r\n--xyz--")
        #expect(reading.parts == [.init(name: "a", isFile: false)])
        #expect(reading.isComplete && reading.error == nil)
    }

    static let bad: [(String, MultipartError)] = [
        ("", .cut),
        ("--xyz", .cut),
        (model, .cut),
        (model + "\r\n--xyz", .cut),
        (model + "\r\n--xyz-", .cut),
        ("preamble\r\n" + form, .noDelimiter),
        ("\r\n" + form, .noDelimiter),
        ("--xyz \r\n", .badDelimiter),
        ("--xyz\n", .badDelimiter),
        (model + "\r\n--xyzz", .badDelimiter),
        (model + "\r\n--xyz-x", .badDelimiter),
        (form + "x", .trailingBytes),
        (form + "\r\n", .trailingBytes),
        ("--xyz\r\n\r\nx", .badHead),
        ("--xyz\r\ncontent-type: text/plain\r\n\r\nx", .badHead),
        ("--xyz\r\ncontent-disposition: attachment; name=\"model\"\r\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition: form-data\r\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition: form-data; name=\"\"\r\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition: form-data; name=\"a\"; name*=utf-8''b\r\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition: form-data; name=a\r\ncontent-disposition: form-data; name=b\r\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition: form-data; name=\"a\"; filename=\"x\\\"; name=\\\"b\"\r\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition: form-data; name=\"mod\\el\"\r\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition: form-data; name=\"a\" x\r\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition: form-data;\r\n name=\"a\"\r\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition : form-data; name=\"a\"\r\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition: form-data; name=\"a\"\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition: form-data; name=\"a\"\r\ncontent-transfer-encoding: base64\r\n\r\n", .badHead),
        ("--xyz\r\ncontent-disposition: form-data; name=\"a\u{0}\"\r\n\r\n", .badHead),
        ("--xyz\r\nx: " + String(repeating: "a", count: 9000), .headTooLarge),
    ]

    @Test(arguments: bad) func `what two readers may read in two ways is refused, row 23`(
        _ body: String,
        _ error: MultipartError
    ) throws {
        #expect(try Self.read(body).error == error)
        // And not by luck of how it came.
        let cuts = Array(stride(from: 0, to: body.utf8.count, by: 3))
        #expect(try Self.read(body, cuts: cuts).error == error)
    }

    @Test func `at most 32 parts are read, row 23`() throws {
        let part = "--xyz\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nv\r\n"
        #expect(try Self.read(String(repeating: part, count: 32) + "--xyz--").error == nil)
        #expect(try Self.read(String(repeating: part, count: 33) + "--xyz--").error == .tooManyParts)
    }

    @Test func `a body of nothing but dashes and line breaks takes linear time, row 23`() throws {
        let boundary = String(repeating: "-", count: 70)
        let head = "--\(boundary)\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n"
        let value = String(repeating: "\r\n--" + String(repeating: "-", count: 69) + "+", count: 14_000)
        let body = Array((head + value + "\r\n--\(boundary)--").utf8)
        let type = "multipart/form-data; boundary=\(boundary)"
        var scanner = MultipartScanner(try MultipartBoundary(contentType: type.utf8))
        var count = 0
        try body.withUnsafeBytes { bytes in
            try scanner.scan(bytes) { if case .data(let data) = $0 { count += data.count } }
        }
        #expect(count == value.utf8.count)
        #expect(scanner.isComplete)
    }

    @Test(arguments: [
        ("multipart/form-data; boundary=abc", "abc"),
        ("Multipart/Form-Data;boundary=\"a b:c\"", "a b:c"),
        ("multipart/form-data; charset=utf-8; Boundary=----WebKitForm7MA4YWxk", "----WebKitForm7MA4YWxk"),
        ("multipart/form-data; boundary=abc;", "abc"),
    ]) func `a boundary is read`(_ type: String, _ boundary: String) throws {
        #expect(try MultipartBoundary(contentType: type.utf8).bytes == Array(boundary.utf8))
    }

    @Test(arguments: [
        "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=a; boundary=b", "multipart/form-data; boundary=\"a\\b\"",
        "multipart/form-data; boundary=\"a \"", "multipart/form-data; boundary=a b",
        "multipart/form-data; boundary=" + String(repeating: "a", count: 71),
        "multipart/form-data; boundary=\"a\u{1}\"", "multipart/form-data; x; boundary=a",
    ]) func `what is no boundary is refused, row 23`(_ type: String) {
        #expect(throws: MultipartError.badBoundary) { try MultipartBoundary(contentType: type.utf8) }
    }

    @Test(arguments: ["application/json", "multipart/mixed; boundary=a", "multipart/form-dataa; boundary=a", ""])
    func `another type is no form`(_ type: String) {
        #expect(throws: MultipartError.notForm) { try MultipartBoundary(contentType: type.utf8) }
    }
}
