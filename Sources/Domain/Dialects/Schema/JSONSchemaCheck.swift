internal import Core
package import NIOCore

/// Why a schema cannot be used.
package struct SchemaUnusable: Error, Sendable, Equatable {
    /// A sentence for whoever wrote it.
    package let message: String

    package init(_ message: String) { self.message = message }
}

/// One thing that is wrong with an answer.
package struct SchemaFault: Sendable, Equatable {
    /// Where: `$` for the whole, `$.items[2].name` for what is in it.
    package let path: String
    /// What is wrong, so that a model can put it right: `must be a string, not a number`.
    package let message: String

    package init(path: String, message: String) {
        self.path = path
        self.message = message
    }
}

/// A JSON Schema, ready to hold answers against it.
///
/// Understands draft 2020-12 and, where they do not contradict it, the drafts before: types, `enum` and `const`,
/// objects and lists with all their bounds, texts with patterns and the common formats, numbers (exact to the last
/// digit), `allOf`, `anyOf`, `oneOf`, `not`, `if`, and references inside of the document, circles included. What it
/// does not check is named in `unchecked`, and passes.
///
/// Every check has a limit of steps and of depth, so that no schema and no answer can keep it busy; patterns take time
/// linear in the text. Source: json-schema.org/draft/2020-12.
package struct JSONSchemaCheck: Sendable {
    /// The longest schema, in bytes.
    package static let schemaBytesMax = 1 << 20

    package enum Verdict: Sendable, Equatable {
        case valid
        /// The first faults, in the order of the text.
        case invalid([SchemaFault])
        /// It could not be told within the limits.
        case undecided
    }

    /// Keywords of the schema that are not checked, each once.
    package let unchecked: [String]
    private let nodes: [SchemaNode]

    /// - Parameter schema: An object, or a boolean.
    /// - Throws: If it is no schema, is too large, or refers to a place that there is not.
    package init(_ schema: ByteBuffer) throws(SchemaUnusable) {
        guard schema.readableBytes <= Self.schemaBytesMax else { throw SchemaUnusable("The schema is too large.") }
        let tree: JSONValue
        do throws(JSONError) {
            tree = try JSONValue.parse(schema)
        } catch {
            throw SchemaUnusable("The schema is not valid JSON at byte \(error.offset).")
        }
        var compiler = SchemaCompiler(tree)
        try compiler.compile()
        self.nodes = compiler.nodes
        self.unchecked = compiler.unchecked
    }

    /// Holds an answer against the schema.
    ///
    /// - Parameters:
    ///   - text: The answer, one JSON text.
    ///   - faultsMax: So many faults are named at most.
    ///   - stepsMax: About as many values, members and characters are looked at; a million takes well below a second.
    package func check(_ text: ByteBuffer, faultsMax: Int = 8, stepsMax: Int = 1_000_000) -> Verdict {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(text)
        } catch {
            return .invalid([SchemaFault(path: "$", message: Self.message(of: error))])
        }
        var run = SchemaRun(nodes: self.nodes, steps: stepsMax, faultsMax: max(1, faultsMax))
        let isValid = run.check(0, value)
        if run.isExhausted { return .undecided }
        return isValid ? .valid : .invalid(run.faults)
    }

    private static func message(of error: JSONError) -> String {
        switch error {
        case .invalid(let offset, let expected):
            "is not valid JSON: \(expected.rawValue) was expected at byte \(offset)"
        case .tooDeep: "is nested too deeply"
        case .duplicateKey(let offset): "names a key twice, at byte \(offset)"
        case .invalidUTF8(let offset), .loneSurrogate(let offset): "is no valid text at byte \(offset)"
        }
    }
}
