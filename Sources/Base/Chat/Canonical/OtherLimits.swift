/// Words of model servers for how long answers may be, or how many there are, besides those that every dialect has.
///
/// `RequestIndex` reads the usual ones, and budgets set aside what they allow. What is told by one of these would go
/// past that: where an answer is paid for in advance, it is left out and named.
package enum OtherLimits {
    /// Members at the top of a request in OpenAI's form: of llama.cpp, Text Generation Inference, Llama's and
    /// Anthropic's older interfaces, and others that take what they know.
    package static let atTop: [StaticString] = [
        "n_predict",
        "num_predict",
        "max_new_tokens",
        "max_gen_len",
        "max_length",
        "max_tokens_to_sample",
        "maxTokens",
        "num_generations",
    ]

    /// The same among the fields that Bedrock hands to a model, where nobody has read the usual names.
    package static let ofModel: [StaticString] =
        Self.atTop + [
            "max_tokens",
            "max_completion_tokens",
            "max_output_tokens",
            "maxOutputTokens",
            "maxTokenCount",
            "n",
            "best_of",
            "numResults",
            "candidateCount",
        ]

    /// Objects among such fields that have them within.
    package static let objects: [StaticString] = ["inferenceConfig", "textGenerationConfig", "generationConfig"]
}
