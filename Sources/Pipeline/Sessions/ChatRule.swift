package import NIOCore

/// How `/api/chat` answers.
package struct ChatRule: Sendable, Equatable {
    /// The agent that answers in new conversations; nil: the default model.
    package var agent: String?
    /// When the answer has to be there, or the fallback text is (`chat.timeout`).
    package var timeout: TimeAmount
    /// What is said when no provider answers, by language (RFC 5646, in lower case); goes before the built-in texts.
    package var fallback: [String: String]

    package init(agent: String? = nil, timeout: TimeAmount = .seconds(10), fallback: [String: String] = [:]) {
        self.agent = agent
        self.timeout = timeout
        self.fallback = fallback
    }
}

/// What people are told when no provider answers, in their language.
package enum FallbackText {
    /// The text for a request.
    ///
    /// - Parameters:
    ///   - accepted: The value of `Accept-Language`; nil if there was none.
    ///   - message: What the person said; its script tells something where the header does not.
    ///   - texts: Texts by language, the first ones first: an agent's, then the settings'.
    package static func find(accepted: String?, message: String, in texts: [[String: String]]) -> String {
        let all = texts + [Self.builtIn]
        let wanted = accepted.map(Self.languages) ?? []
        let guessed = Self.language(ofScript: message)
        // A browser of an English system says `en` whatever its user writes; the script of the message knows better.
        // But many languages may be written in it, and which one of them it is, the browser may know.
        let kin = guessed.flatMap { Self.kin[$0] } ?? []
        let written = wanted.filter { kin.contains(Self.primary($0)) } + (guessed.map { [$0] } ?? [])
        for language in written + wanted + [Self.standardLanguage] {
            for table in all {
                if let text = table[language] ?? table[Self.primary(language)] { return text }
            }
        }
        return Self.builtIn[Self.standardLanguage] ?? ""
    }

    /// The languages of `Accept-Language` (RFC 9110 section 12.5.4), the most wanted first, at most 16.
    static func languages(_ header: String) -> [String] {
        var found: [(name: String, weight: Double, order: Int)] = []
        for (order, item) in header.split(separator: ",").prefix(16).enumerated() {
            let parts = item.split(separator: ";").map { part in
                String(part.filter { $0 != " " && $0 != "\t" }).lowercased()
            }
            guard let name = parts.first, !name.isEmpty, name != "*" else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            if weight > 0 { found.append((name, weight, order)) }
        }
        return found.sorted { ($0.weight, -$0.order) > ($1.weight, -$1.order) }.map(\.name)
    }

    private static func primary(_ language: String) -> String { String(language.prefix { $0 != "-" }) }

    /// The language that a text's letters speak for; nil where many languages have them.
    static func language(ofScript text: String) -> String? {
        var counts: [String: Int] = [:]
        for scalar in text.unicodeScalars.prefix(500) {
            switch scalar.value {
            // Russian has none of these letters.
            case 0x0404, 0x0406, 0x0407, 0x0454, 0x0456, 0x0457, 0x0490, 0x0491: counts["uk", default: 0] += 20
            case 0x0400...0x04FF: counts["ru", default: 0] += 1
            case 0x0370...0x03FF: counts["el", default: 0] += 1
            case 0x0590...0x05FF: counts["he", default: 0] += 1
            case 0x0600...0x06FF: counts["ar", default: 0] += 1
            case 0x0900...0x097F: counts["hi", default: 0] += 1
            case 0x0E00...0x0E7F: counts["th", default: 0] += 1
            // Japanese has Han characters too, so these weigh more.
            case 0x3040...0x30FF: counts["ja", default: 0] += 4
            case 0x4E00...0x9FFF: counts["zh", default: 0] += 1
            case 0xAC00...0xD7AF: counts["ko", default: 0] += 1
            default: break
            }
        }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }

    /// Languages that are written in the same script as one that is guessed by it.
    private static let kin: [String: Set<String>] = [
        "ru": ["ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "mn", "tg"], "uk": ["uk", "be"],
        "ar": ["ar", "fa", "ur", "ps", "ug", "ckb"], "he": ["he", "yi"], "hi": ["hi", "mr", "ne"], "zh": ["zh", "ja"],
    ]

    private static let standardLanguage = "en"

    private static let builtIn: [String: String] = [
        "en": "The assistant cannot answer right now. Please try again in a moment.",
        "de": "Der Assistent kann gerade nicht antworten. Bitte versuchen Sie es gleich noch einmal.",
        "fr": "L'assistant ne peut pas répondre pour le moment. Veuillez réessayer dans un instant.",
        "es": "El asistente no puede responder en este momento. Inténtelo de nuevo en un momento.",
        "it": "L'assistente non può rispondere in questo momento. Riprova tra poco.",
        "pt": "O assistente não pode responder agora. Tente novamente em instantes.",
        "nl": "De assistent kan nu niet antwoorden. Probeer het zo meteen opnieuw.",
        "pl": "Asystent nie może teraz odpowiedzieć. Spróbuj ponownie za chwilę.",
        "tr": "Asistan şu anda yanıt veremiyor. Lütfen birazdan tekrar deneyin.",
        "ru": "Ассистент сейчас не может ответить. Пожалуйста, попробуйте ещё раз чуть позже.",
        "uk": "Асистент зараз не може відповісти. Будь ласка, спробуйте ще раз трохи згодом.",
        "zh": "助手暂时无法回答，请稍后再试。",
        "ja": "アシスタントは現在応答できません。しばらくしてからもう一度お試しください。",
        "ko": "지금은 어시스턴트가 답변할 수 없습니다. 잠시 후 다시 시도해 주세요.",
        "ar": "لا يستطيع المساعد الرد الآن. يرجى المحاولة مرة أخرى بعد قليل.",
        "hi": "सहायक अभी उत्तर नहीं दे सकता। कृपया थोड़ी देर बाद फिर प्रयास करें।",
    ]
}
