extension Embeddings {
    /// The vector of a text, by the same words as in the OpenAI dialect: one unit long, near where words are shared.
    static func vector(of text: String, dimensions: Int) -> [Float] {
        let words = text.lowercased().split { !$0.isLetter && !$0.isNumber }.prefix(256).map { String($0) }
        return Self.vector(words.isEmpty ? [text] : words, dimensions: dimensions)
    }
}
