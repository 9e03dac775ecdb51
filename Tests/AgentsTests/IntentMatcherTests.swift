import Agents
import Core
import Testing

/// Plain requests onto tools.
@Suite struct IntentMatcherTests {
    /// A Friday.
    private static let now = UnixTime(rfc3339: "2027-01-29T15:00:00Z")

    private static func matcher(_ rules: [(tool: String, patterns: [String])]) throws -> IntentMatcher {
        try IntentMatcher(
            rules.map { rule in
                let tool = try #require(ToolName(parsing: rule.tool))
                return try IntentRule(tool: tool, patterns: rule.patterns)
            }
        )
    }

    /// `tool name=value`, or nil.
    private static func found(_ text: String, _ matcher: IntentMatcher) -> String? {
        guard let match = matcher.match(text, now: Self.now) else { return nil }
        return ([match.tool.tool] + match.arguments.map { "\($0.0)=\($0.1.text)" }).joined(separator: " ")
    }

    private static func tasks() throws -> IntentMatcher {
        try Self.matcher([
            ("tasks/add", ["add (a|another) task {title}", "remind me to {title} [on|by {due:date}]"]),
            ("tasks/list", ["(show|list) my task(s)", "what are my tasks", "list tasks (of {who:word})"]),
            ("tasks/done", ["done {id:int}", "<get rid of | finish> (task) {id:int}"]),
            ("tasks/find", ["done {title}", "find {title}"]),
        ])
    }

    @Test(arguments: [
        ("add task buy milk", #"add title="buy milk""#),
        ("Add a Task: Buy MILK!", #"add title="Buy MILK""#),
        ("  ADD   another\ttask\n\"call Mr. Smith (home)\".", #"add title="call Mr. Smith (home)""#),
        ("remind me to call Bob", #"add title="call Bob""#),
        ("Remind me to call Bob, by tomorrow.", #"add title="call Bob" due="2027-01-30""#),
        ("remind me to walk by the river by 2027-02-28", #"add title="walk by the river" due="2027-02-28""#),
        ("remind me to stand by the door", #"add title="stand by the door""#),
        ("remind me to rest on friday", #"add title="rest" due="2027-02-05""#),
        ("remind me to rest on next Monday", #"add title="rest" due="2027-02-01""#),
        ("remind me to rest by 1.2.2027", #"add title="rest" due="2027-02-01""#),
        ("show my tasks", "list"), ("list my task", "list"), ("my tasks?", "list"), ("What are my tasks?", "list"),
        ("list tasks of Ann", #"list who="Ann""#),
        ("done 7", "done id=7"), ("Done #12.", "done id=12"), ("get rid of task 3", "done id=3"),
        ("finish 3", "done id=3"), ("done the dishes", #"find title="the dishes""#),
        ("done -4", "done id=-4"), ("done ٤٢", "done id=42"),
        ("find 🎂", #"find title="🎂""#),
    ])
    func `a plain request becomes a call with its arguments`(text: String, expected: String) throws {
        #expect(Self.found(text, try Self.tasks()) == expected)
    }

    @Test(arguments: [
        "", "   ", "?!", "add task", "add task !!!", "please tell me about the history of France", "done",
        "remind me to", "taskadd milk", "finish the work", "get rid 3", "add", "list my tasks of",
    ])
    func `what is no such request matches nothing`(text: String) throws {
        #expect(Self.found(text, try Self.tasks()) == nil)
    }

    @Test func `the more words a pattern names the sooner it is taken, then numbers, then the first`() throws {
        let matcher = try Self.matcher([
            ("a/anything", ["show {what}"]), ("a/exact", ["show tasks"]), ("a/number", ["show {id:int}"]),
            ("a/word", ["show {what:word}"]), ("a/later", ["show tasks"]), ("a/narrow", ["show {what} of {whom}"]),
        ])
        #expect(Self.found("show tasks", matcher) == "exact")
        #expect(Self.found("show 5", matcher) == "number id=5")
        #expect(Self.found("show milk", matcher) == #"word what="milk""#)
        #expect(Self.found("show all milk", matcher) == #"anything what="all milk""#)
        #expect(Self.found("show milk of ann", matcher) == #"narrow what="milk" whom="ann""#)
        #expect(Self.found("show list of milk of ann", matcher) == #"narrow what="list of milk" whom="ann""#)
    }

    @Test(arguments: [
        ("Aufgabe HINZUFÜGEN Brötchen holen", #"add title="Brötchen holen""#),
        // The same with the dots as characters of their own.
        ("aufgabe hinzufu\u{308}gen Milch", #"add title="Milch""#),
        ("добавь ЗАДАЧУ купить молоко", #"add title="купить молоко""#),
        ("添加任务买牛奶。", #"add title="买牛奶""#),
        ("タスク追加 牛乳", #"add title="牛乳""#),
        ("أضف مهمة شراء حليب", #"add title="شراء حليب""#),
        ("ΠΡΟΣΘΕΣΕ γάλα", #"add title="γάλα""#),
    ])
    func `any script is matched, whatever its case and spelling`(text: String, expected: String) throws {
        let matcher = try Self.matcher([
            (
                "a/add",
                [
                    "aufgabe hinzufügen {title}", "добавь задачу {title}", "添加|新建任务{title}", "添加任务{title}",
                    "タスク追加{title}", "أضف مهمة {title}", "προσθεσε {title}",
                ]
            )
        ])
        #expect(Self.found(text, matcher) == expected)
    }

    @Test func `days that count from today need to know it, and impossible ones are none`() throws {
        let matcher = try Self.matcher([("a/due", ["due {day:date}"])])
        #expect(matcher.match("due tomorrow") == nil)
        #expect(matcher.match("due 2027-02-29", now: Self.now) == nil)
        #expect(matcher.match("due 2027-13-01", now: Self.now) == nil)
        #expect(matcher.match("due 2028-02-29") != nil)
        #expect(Self.found("due the day after tomorrow", matcher) == #"due day="2027-01-31""#)
        #expect(Self.found("due in 3 weeks", matcher) == #"due day="2027-02-19""#)
        #expect(Self.found("due fri", matcher) == #"due day="2027-02-05""#)
    }

    @Test func `a request longer than a plain one matches nothing`() throws {
        let matcher = try Self.matcher([("a/add", ["add {title}"])])
        #expect(matcher.match("add " + String(repeating: "x", count: IntentMatcher.bytesMax - 4)) != nil)
        #expect(matcher.match("add " + String(repeating: "x", count: IntentMatcher.bytesMax)) == nil)
        #expect(matcher.match("add" + String(repeating: " y", count: IntentMatcher.wordsMax - 1)) != nil)
        #expect(matcher.match("add" + String(repeating: " y", count: IntentMatcher.wordsMax)) == nil)
    }
}

/// How patterns and replies may be written.
@Suite struct IntentPatternTests {
    @Test(arguments: [
        ("", "a word that cannot be left out"), ("{title}", "a word that cannot be left out"),
        ("(add) {title}", "a word that cannot be left out"), ("add {title", "a '}' for each '{'"),
        ("add {the title}", "names of letters"), ("add {id:number}", "text, word, int, date"),
        ("add (a task {title}", "a ')' for each bracket"), ("add a) task", "without ')' alone"),
        ("add () task", "something in every bracket"), ("add {a} to {a}", "names {a} once"),
        ("add | ", "both sides of '|'"), ("((((((((((add))))))))))", "brackets in each other"),
    ])
    func `a pattern that cannot be read says why`(pattern: String, reason: String) throws {
        let tool = try #require(ToolName(parsing: "a/b"))
        let fault = #expect(throws: ValueFault.self) {
            try IntentRule(tool: tool, patterns: ["fine", pattern], at: "intents[3]")
        }
        #expect(fault?.field == "intents[3].patterns[1]")
        #expect(fault?.expected.contains(reason) == true, "\(fault?.expected ?? "")")
    }

    @Test func `a name may stand in each of several ways`() throws {
        let tool = try #require(ToolName(parsing: "a/b"))
        let rule = try IntentRule(tool: tool, patterns: ["<add {title} | {title} needs adding>"])
        let matcher = try IntentMatcher([rule])
        #expect(matcher.match("milk needs adding")?.arguments.first?.1.stringValue == "milk")
        #expect(matcher.match("add milk")?.arguments.first?.1.stringValue == "milk")
    }

    @Test func `a reply tells the arguments and the result, and leaves out what has nothing`() throws {
        let tool = try #require(ToolName(parsing: "tasks/add"))
        let rule = try IntentRule(
            tool: tool,
            patterns: ["add {title} [with priority {priority:word}] [by {due:date}]"],
            arguments: [("priority", "normal"), ("count", 3)],
            reply: "Added {title}[, due {due}] ({priority}, {count}): {result}"
        )
        let match = try #require(try IntentMatcher([rule]).match("add milk with priority high"))
        #expect(match.arguments.map(\.0) == ["count", "title", "priority"])
        #expect(match.reply?.filled(match.arguments, result: "ok") == "Added milk (high, 3): ok")
        let other = try #require(try IntentMatcher([rule]).match("add milk by 2027-01-31"))
        #expect(other.reply?.filled(other.arguments, result: "ok") == "Added milk, due 2027-01-31 (normal, 3): ok")
    }

    @Test(arguments: ["Added {titel}", "Added {title", "Added {ti tle}", "Added [{title}"])
    func `a reply that names what there is not is refused`(reply: String) throws {
        let tool = try #require(ToolName(parsing: "a/b"))
        let fault = #expect(throws: ValueFault.self) {
            try IntentRule(tool: tool, patterns: ["add {title}"], reply: reply)
        }
        #expect(fault?.field == "intents[0].reply")
    }

    @Test func `patterns that are too many together are refused`() throws {
        let tool = try #require(ToolName(parsing: "a/b"))
        let long = (0..<60).map { "w\($0)" }.joined(separator: " ")
        let rule = try IntentRule(tool: tool, patterns: Array(repeating: long, count: 64))
        #expect(throws: Never.self) { try IntentMatcher([rule]) }
        let fault = #expect(throws: ValueFault.self) { try IntentMatcher([rule, rule, rule]) }
        #expect(fault?.field == "intents")
    }
}
