internal import Chat

extension LossTable {
    /// One thing that a client can say, in a request of its own.
    struct Saying {
        /// How the page calls it.
        let name: String
        /// Where it stands in `body`.
        let path: String
        let body: String
    }

    /// Everything a client's dialect can say, one by one.
    static func sayings(of client: WireFormat) -> [Saying] {
        let rows =
            switch client {
            case .openAIChat: Sayings.chat
            case .openAIResponses: Sayings.responses
            default: Sayings.messages
            }
        return rows.split(separator: "\n").compactMap { row in
            let fields = row.split(separator: " | ", maxSplits: 2)
            guard fields.count == 3 else { return nil }
            let body = #"{"model":"m",\#(fields[2])}"#
            return Saying(name: String(fields[0]), path: String(fields[1]), body: body)
        }
    }
}

/// The things, one a line: name, path, and what stands in the request besides the model.
private enum Sayings {
    private static let schema = #"""
        {"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}
        """#
    private static let chatTool = #"""
        {"type":"function","function":{"name":"f","description":"d","parameters":\#(schema)}}
        """#
    private static let chatCall = #"""
        {"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",\#
        "function":{"name":"f","arguments":"{}"}}]}
        """#
    private static let responsesTool = #"""
        {"type":"function","name":"f","description":"d","strict":false,"parameters":\#(schema)}
        """#
    private static let messagesTool = #"{"name":"f","description":"d","input_schema":\#(schema)}"#

    static let chat = #"""
        max_completion_tokens | max_completion_tokens | "messages":[{"role":"user","content":"Hello JSON"}],\#
        "max_completion_tokens":50
        temperature | temperature | "messages":[{"role":"user","content":"Hello JSON"}],"temperature":0.5
        temperature: 1.5 | temperature | "messages":[{"role":"user","content":"Hello JSON"}],"temperature":1.5
        top_p | top_p | "messages":[{"role":"user","content":"Hello JSON"}],"top_p":0.5
        top_k | top_k | "messages":[{"role":"user","content":"Hello JSON"}],"top_k":5
        frequency_penalty | frequency_penalty | "messages":[{"role":"user","content":"Hello JSON"}],\#
        "frequency_penalty":0.5
        presence_penalty | presence_penalty | "messages":[{"role":"user","content":"Hello JSON"}],\#
        "presence_penalty":0.5
        seed | seed | "messages":[{"role":"user","content":"Hello JSON"}],"seed":7
        stop | stop | "messages":[{"role":"user","content":"Hello JSON"}],"stop":["END"]
        n: 2 | n | "messages":[{"role":"user","content":"Hello JSON"}],"n":2
        logprobs | logprobs | "messages":[{"role":"user","content":"Hello JSON"}],"logprobs":true
        logit_bias | logit_bias | "messages":[{"role":"user","content":"Hello JSON"}],"logit_bias":{"1":-100}
        response_format: json_object | response_format | "messages":[{"role":"user","content":"Hello JSON"}],\#
        "response_format":{"type":"json_object"}
        response_format: json_schema | response_format | "messages":[{"role":"user","content":"Hello JSON"}],\#
        "response_format":{"type":"json_schema","json_schema":{"name":"r","strict":true,"schema":\#(schema)}}
        reasoning_effort | reasoning_effort | "messages":[{"role":"user","content":"Hello JSON"}],\#
        "reasoning_effort":"high","max_completion_tokens":40000
        reasoning_effort: none | reasoning_effort | "messages":[{"role":"user","content":"Hello JSON"}],\#
        "reasoning_effort":"none"
        reasoning: max_tokens | reasoning | "messages":[{"role":"user","content":"Hello JSON"}],"reasoning":\#
        {"max_tokens":2048},"max_completion_tokens":40000
        tools | tools | "messages":[{"role":"user","content":"Hello JSON"}],"tools":[\#(chatTool)]
        tools: strict | tools | "messages":[{"role":"user","content":"Hello JSON"}],"tools":[{"type":"function",\#
        "function":{"name":"f","strict":true,"parameters":\#(schema)}}]
        tools: custom | tools | "messages":[{"role":"user","content":"Hello JSON"}],"tools":[{"type":"custom",\#
        "custom":{"name":"f"}}]
        tool_choice: required | tool_choice | "messages":[{"role":"user","content":"Hello JSON"}],"tools":\#
        [\#(chatTool)],"tool_choice":"required"
        tool_choice: none | tool_choice | "messages":[{"role":"user","content":"Hello JSON"}],"tools":\#
        [\#(chatTool)],"tool_choice":"none"
        tool_choice: a tool | tool_choice | "messages":[{"role":"user","content":"Hello JSON"}],"tools":\#
        [\#(chatTool)],"tool_choice":{"type":"function","function":{"name":"f"}}
        parallel_tool_calls: false | parallel_tool_calls | "messages":[{"role":"user","content":"Hello JSON"}],\#
        "tools":[\#(chatTool)],"parallel_tool_calls":false
        functions | functions | "messages":[{"role":"user","content":"Hello JSON"}],"functions":[{"name":"f",\#
        "parameters":\#(schema)}]
        user | user | "messages":[{"role":"user","content":"Hello JSON"}],"user":"u1"
        safety_identifier | safety_identifier | "messages":[{"role":"user","content":"Hello JSON"}],\#
        "safety_identifier":"u1"
        metadata | metadata | "messages":[{"role":"user","content":"Hello JSON"}],"metadata":{"a":"b"}
        store | store | "messages":[{"role":"user","content":"Hello JSON"}],"store":true
        service_tier | service_tier | "messages":[{"role":"user","content":"Hello JSON"}],"service_tier":"auto"
        prompt_cache_key | prompt_cache_key | "messages":[{"role":"user","content":"Hello JSON"}],\#
        "prompt_cache_key":"k"
        verbosity | verbosity | "messages":[{"role":"user","content":"Hello JSON"}],"verbosity":"low"
        modalities | modalities | "messages":[{"role":"user","content":"Hello JSON"}],"modalities":["text",\#
        "audio"]
        audio | audio | "messages":[{"role":"user","content":"Hello JSON"}],"audio":{"voice":"alloy","format":\#
        "wav"}
        prediction | prediction | "messages":[{"role":"user","content":"Hello JSON"}],"prediction":{"type":\#
        "content","content":"x"}
        web_search_options | web_search_options | "messages":[{"role":"user","content":"Hello JSON"}],\#
        "web_search_options":{"search_context_size":"low"}
        stream | stream | "messages":[{"role":"user","content":"Hello JSON"}],"stream":true,"stream_options":\#
        {"include_usage":true}
        developer messages | messages[0] | "messages":[{"role":"developer","content":"d"},{"role":"user",\#
        "content":"u"}]
        name of a speaker | messages[0].name | "messages":[{"role":"user","name":"Ann","content":"u"}]
        cache_control | messages[0].content[0].cache_control | "messages":[{"role":"user","content":[{"type":\#
        "text","text":"u","cache_control":{"type":"ephemeral"}}]}]
        image_url: data | messages[0].content[1] | "messages":[{"role":"user","content":[{"type":"text","text":\#
        "Look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]}]
        image_url: address | messages[0].content[1] | "messages":[{"role":"user","content":[{"type":"text",\#
        "text":"Look"},{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]
        image_url: detail | messages[0].content[1].image_url.detail | "messages":[{"role":"user","content":\#
        [{"type":"text","text":"Look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,\#
        iVBORw0KGgo=","detail":"low"}}]}]
        file: PDF | messages[0].content[1] | "messages":[{"role":"user","content":[{"type":"text","text":\#
        "Look"},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,\#
        JVBERi0="}}]}]
        file: file_id | messages[0].content[1] | "messages":[{"role":"user","content":[{"type":"text","text":\#
        "Look"},{"type":"file","file":{"file_id":"file-1"}}]}]
        input_audio | messages[0].content[1] | "messages":[{"role":"user","content":[{"type":"text","text":\#
        "Look"},{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}]}]
        tool_calls and tool messages | messages[0] | "messages":[\#(chatCall),{"role":"tool","tool_call_id":\#
        "call_1","content":"r"}],"tools":[\#(chatTool)]
        refusal | messages[1].refusal | "messages":[{"role":"user","content":"u"},{"role":"assistant","refusal":\#
        "no"},{"role":"user","content":"u"}]
        reasoning_details: Anthropic's, signed | messages[1].reasoning_details[0] | "messages":[{"role":"user",\#
        "content":"u"},{"role":"assistant","content":"a","reasoning_details":[{"type":"reasoning.text","text":\#
        "t","signature":"Eg==","format":"anthropic-claude-v1"}]},{"role":"user","content":"u"}]
        """#

    static let responses = #"""
        instructions | instructions | "input":"Hello JSON","instructions":"Be brief."
        max_output_tokens | max_output_tokens | "input":"Hello JSON","max_output_tokens":50
        temperature | temperature | "input":"Hello JSON","temperature":0.5
        top_p | top_p | "input":"Hello JSON","top_p":0.5
        top_logprobs | top_logprobs | "input":"Hello JSON","top_logprobs":2
        text: json_object | text | "input":"Hello JSON","text":{"format":{"type":"json_object"}}
        text: json_schema | text | "input":"Hello JSON","text":{"format":{"type":"json_schema","name":"r",\#
        "strict":true,"schema":\#(schema)}}
        text: verbosity | text | "input":"Hello JSON","text":{"verbosity":"low"}
        reasoning: effort | reasoning | "input":"Hello JSON","reasoning":{"effort":"high"},"max_output_tokens":\#
        40000
        reasoning: summary | reasoning | "input":"Hello JSON","reasoning":{"effort":"high","summary":"auto"},\#
        "max_output_tokens":40000
        tools | tools | "input":"Hello JSON","tools":[\#(responsesTool)]
        tools: custom | tools | "input":"Hello JSON","tools":[{"type":"custom","name":"f"}]
        tools: web_search | tools | "input":"Hello JSON","tools":[{"type":"web_search"}]
        tool_choice: required | tool_choice | "input":"Hello JSON","tools":[\#(responsesTool)],"tool_choice":\#
        "required"
        tool_choice: a tool | tool_choice | "input":"Hello JSON","tools":[\#(responsesTool)],"tool_choice":\#
        {"type":"function","name":"f"}
        parallel_tool_calls: false | parallel_tool_calls | "input":"Hello JSON","tools":[\#(responsesTool)],\#
        "parallel_tool_calls":false
        user | user | "input":"Hello JSON","user":"u1"
        metadata | metadata | "input":"Hello JSON","metadata":{"a":"b"}
        service_tier | service_tier | "input":"Hello JSON","service_tier":"auto"
        prompt_cache_key | prompt_cache_key | "input":"Hello JSON","prompt_cache_key":"k"
        truncation: auto | truncation | "input":"Hello JSON","truncation":"auto"
        include | include | "input":"Hello JSON","include":["reasoning.encrypted_content"]
        stream | stream | "input":"Hello JSON","stream":true
        input_image: data | input[0].content[1] | "input":[{"role":"user","content":[{"type":"input_text",\#
        "text":"Look"},{"type":"input_image","detail":"auto","image_url":"data:image/png;base64,\#
        iVBORw0KGgo="}]}]
        input_image: address | input[0].content[1] | "input":[{"role":"user","content":[{"type":"input_text",\#
        "text":"Look"},{"type":"input_image","detail":"auto","image_url":"https://example.com/a.png"}]}]
        input_file: PDF | input[0].content[1] | "input":[{"role":"user","content":[{"type":"input_text","text":\#
        "Look"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}]}]
        function_call and its output | input[1] | "input":[{"role":"user","content":"u"},{"type":\#
        "function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":\#
        "c1","output":"r"}],"tools":[\#(responsesTool)]
        reasoning: encrypted_content | input[1] | "input":[{"role":"user","content":"u"},{"type":"reasoning",\#
        "id":"rs_1","summary":[],"encrypted_content":"gAA"},{"role":"assistant","content":"a"},{"role":"user",\#
        "content":"u"}]
        """#

    static let messages = #"""
        system | system | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],"system":"Be brief."
        temperature | temperature | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],\#
        "temperature":0.5
        top_p | top_p | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],"top_p":0.5
        top_k | top_k | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],"top_k":5
        stop_sequences | stop_sequences | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],\#
        "stop_sequences":["END"]
        thinking: budget_tokens | thinking | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],\#
        "thinking":{"type":"enabled","budget_tokens":2048}
        thinking: adaptive | thinking | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],\#
        "thinking":{"type":"adaptive"}
        thinking: disabled | thinking | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],\#
        "thinking":{"type":"disabled"}
        output_config: effort | output_config | "max_tokens":9000,"messages":[{"role":"user","content":\#
        "Hello"}],"output_config":{"effort":"high"}
        output_config: format | output_config | "max_tokens":9000,"messages":[{"role":"user","content":\#
        "Hello"}],"output_config":{"format":{"type":"json_schema","schema":\#(schema)}}
        tools | tools | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],"tools":\#
        [\#(messagesTool)]
        tools: web_search | tools | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],"tools":\#
        [{"type":"web_search_20250305","name":"web_search"}]
        tool_choice: any | tool_choice | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],\#
        "tools":[\#(messagesTool)],"tool_choice":{"type":"any"}
        tool_choice: a tool | tool_choice | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],\#
        "tools":[\#(messagesTool)],"tool_choice":{"type":"tool","name":"f"}
        disable_parallel_tool_use | disable_parallel_tool_use | "max_tokens":9000,"messages":[{"role":"user",\#
        "content":"Hello"}],"tools":[\#(messagesTool)],"tool_choice":{"type":"auto","disable_parallel_tool_use":\#
        true}
        metadata: user_id | metadata | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],\#
        "metadata":{"user_id":"u1"}
        service_tier | service_tier | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],\#
        "service_tier":"auto"
        stream | stream | "max_tokens":9000,"messages":[{"role":"user","content":"Hello"}],"stream":true
        cache_control | messages[0].content[1].cache_control | "max_tokens":9000,"messages":[{"role":"user",\#
        "content":[{"type":"text","text":"Look"},{"type":"text","text":"u","cache_control":{"type":\#
        "ephemeral"}}]}]
        image: base64 | messages[0].content[1] | "max_tokens":9000,"messages":[{"role":"user","content":\#
        [{"type":"text","text":"Look"},{"type":"image","source":{"type":"base64","media_type":"image/png",\#
        "data":"iVBORw0KGgo="}}]}]
        image: url | messages[0].content[1] | "max_tokens":9000,"messages":[{"role":"user","content":[{"type":\#
        "text","text":"Look"},{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}]}]
        document: PDF | messages[0].content[1] | "max_tokens":9000,"messages":[{"role":"user","content":\#
        [{"type":"text","text":"Look"},{"type":"document","source":{"type":"base64","media_type":\#
        "application/pdf","data":"JVBERi0="}}]}]
        document: text | messages[0].content[1] | "max_tokens":9000,"messages":[{"role":"user","content":\#
        [{"type":"text","text":"Look"},{"type":"document","source":{"type":"text","media_type":"text/plain",\#
        "data":"t"}}]}]
        document: citations | messages[0].content[1].citations | "max_tokens":9000,"messages":[{"role":"user",\#
        "content":[{"type":"text","text":"Look"},{"type":"document","source":{"type":"text","media_type":\#
        "text/plain","data":"t"},"citations":{"enabled":true}}]}]
        tool_use and tool_result | messages[2].content[0] | "max_tokens":9000,"tools":[\#(messagesTool)],\#
        "messages":[{"role":"user","content":"u"},{"role":"assistant","content":[{"type":"tool_use","id":\#
        "toolu_1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":\#
        "toolu_1","content":"r"}]}]
        tool_result: is_error | messages[2].content[0].is_error | "max_tokens":9000,"tools":[\#(messagesTool)],\#
        "messages":[{"role":"user","content":"u"},{"role":"assistant","content":[{"type":"tool_use","id":\#
        "toolu_1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":\#
        "toolu_1","content":"r","is_error":true}]}]
        tool_result: image | messages[2].content[0] | "max_tokens":9000,"tools":[\#(messagesTool)],"messages":\#
        [{"role":"user","content":"u"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":\#
        "f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":\#
        [{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]}]}]
        thinking: signed | messages[1].content[0] | "max_tokens":9000,"messages":[{"role":"user","content":"u"},\#
        {"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"Eg=="},{"type":"text",\#
        "text":"a"}]},{"role":"user","content":"u"}]
        """#
}
