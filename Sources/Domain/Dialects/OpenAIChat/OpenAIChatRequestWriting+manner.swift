internal import Chat
internal import Core
internal import NIOCore

extension OpenAIChatRequestWriting {
    mutating func writeReasoning() {
        let wish = self.request.reasoning
        if self.isOwn {
            // OpenRouter's `reasoning` stands in `own`, as the client wrote it.
            guard self.request.own["reasoning"] == nil, let effort = wish.effort else { return }
            self.body.writeMember("reasoning_effort", word: effort.value.label)
            return
        }
        self.losses.drop(wish.summary)
        if let effort = wish.effort {
            self.body.writeMember("reasoning_effort", word: effort.value.label)
            self.losses.drop(wish.budget)
        } else if let budget = wish.budget, wish.isWanted {
            let effort = ReasoningWish.Effort(budget: budget.value)
            self.body.writeMember("reasoning_effort", word: effort.label)
            if effort.budget != budget.value { self.losses.drop(budget) }
        } else if wish.isWanted {
            // As long as the model likes: the level that OpenAI calls its own choice.
            self.body.writeMember("reasoning_effort", word: ReasoningWish.Effort.medium.label)
        }
    }

    mutating func writeManner() {
        let isElsewhere = self.isOwn && self.request.own["safety_identifier"] != nil
        if let user = self.request.user, !isElsewhere { self.body.writeMember("user", user.value) }
        if let tier = self.request.serviceTier {
            // Anthropic's word for OpenAI's `default`.
            if tier.value.equals("standard_only") {
                self.body.writeMember("service_tier", word: "default")
            } else {
                self.body.writeMember("service_tier", tier.value)
            }
        }
        if self.request.isStream {
            self.body.writeMember("stream", true)
            if self.isOwn, self.request.wantsUsage, self.request.rest["stream_options"] == nil {
                self.body.writeKey("stream_options")
                self.body.writeStaticString(#"{"include_usage":true}"#)
            }
        }
    }

    /// Members of other dialects that mean the same in chat under the same name.
    private static let shared: [StaticString] = [
        "metadata",
        "store",
        "prompt_cache_key",
        "prompt_cache_retention",
        "prompt_cache_options",
        "safety_identifier",
        "verbosity",
        "moderation",
        "web_search_options",
        "modalities",
        "prediction",
    ]

    /// What may be told to those who take unknown members is not what would change what is asked already.
    private static let written: [StaticString] = [
        "model",
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "stream",
        "stream_options",
        "stop",
        "n",
        "best_of",
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "response_format",
        "reasoning_effort",
        "reasoning",
        "user",
        "service_tier",
        "functions",
        "function_call",
        "logprobs",
        "top_logprobs",
        "logit_bias",
    ]

    mutating func writeRest() {
        if self.isOwn {
            self.body.write(self.request.own)
            guard self.target.isPaidAhead else { return self.body.write(self.request.rest) }
            self.losses.drop(self.request.rest.filter { $0.isNamed(in: OtherLimits.atTop) })
            self.body.write(self.request.rest.filter { !$0.isNamed(in: OtherLimits.atTop) })
            return
        }
        for member in self.request.rest {
            let isShared = Self.shared.contains { member.name.equals($0) }
            let isLimit = self.target.isPaidAhead && member.isNamed(in: OtherLimits.atTop)
            let isWritten = isLimit || Self.written.contains { member.name.equals($0) }
            guard isShared || self.target.takesUnknownMembers && !isWritten else {
                self.losses.drop(at: member.place)
                continue
            }
            self.body.separate()
            member.write(into: &self.body, isFirst: true)
        }
    }
}
