/// Texts with the number of tokens that real vocabularies make of them.
///
/// The texts were written for these tests. The counts are those of cl100k_base and o200k_base, by tiktoken 0.14.
struct TokenFixture: Sendable {
    let kind: String
    let cl100k: Int
    let o200k: Int
    let text: String

    init(_ kind: String, _ cl100k: Int, _ o200k: Int, _ text: String) {
        self.kind = kind
        self.cl100k = cl100k
        self.o200k = o200k
        self.text = text
    }

    enum Vocabulary: CaseIterable, Sendable { case cl100k, o200k }

    func tokens(in vocabulary: Vocabulary) -> Int { vocabulary == .cl100k ? self.cl100k : self.o200k }

    static let all = Self.english + Self.cjk + Self.code + Self.json
}

extension TokenFixture {
    static let english: [TokenFixture] = [
        TokenFixture(
            "english",
            74,
            74,
            #"""
            A gateway stands between the people who ask and the machines that answer. It knows who may ask \#
            what, how often, and who pays for it. When a machine fails in the middle of a sentence, the \#
            gateway has to decide whether the question may be asked again, and of whom. None of that should \#
            be visible to the person who is waiting for an answer.
            """#
        ),
        TokenFixture(
            "english",
            58,
            58,
            #"""
            Last summer we moved the whole office to the third floor. The printer, which had never worked \#
            on the first floor, suddenly printed everything twice. Nobody complained until the accountant \#
            found two copies of every invoice and one very long letter to a customer in Lisbon who had \#
            never ordered anything from us.
            """#
        ),
        TokenFixture(
            "english",
            64,
            64,
            #"""
            To make a good soup you need patience more than talent. Cut the onions fine, let them soften in \#
            butter without taking colour, then add the carrots and the potatoes. Cover everything with \#
            water and leave it alone for half an hour. Salt comes at the end, because the water gets less \#
            and the salt does not.
            """#
        ),
        TokenFixture(
            "english",
            56,
            56,
            #"""
            The committee met on Tuesday to discuss the proposal for a new bridge across the river. Several \#
            members argued that the old bridge would last another twenty years if it were painted \#
            regularly. Others pointed out that nobody had painted it during the last twenty. The decision \#
            was postponed until the autumn.
            """#
        ),
        TokenFixture(
            "english",
            59,
            59,
            #"""
            Children learn a language by listening for a long time before they say anything at all. Their \#
            first words are names of things and people that matter to them, and after a while they put two \#
            words together. Grammar arrives without being invited. Parents usually remember the first word \#
            and forget the second one.
            """#
        ),
        TokenFixture(
            "english",
            61,
            61,
            #"""
            If the power fails while a record is being written, the file may end with half of it. A reader \#
            must notice this and stop before the damaged part, because everything behind it is worthless. \#
            That is why each record carries a length and a checksum, and why the length is written last of \#
            all.
            """#
        ),
        TokenFixture(
            "english",
            59,
            59,
            #"""
            Our train left the station eleven minutes late and arrived four minutes early, which the \#
            conductor explained by the wind. An old man opposite me had brought a cage with two finches and \#
            talked to them in a low voice about the stations we passed. At the border somebody asked him \#
            for their passports.
            """#
        ),
        TokenFixture(
            "english",
            61,
            60,
            #"""
            Most of the money in this city is made by people who repair what other people broke. Plumbers, \#
            lawyers, dentists and programmers live in the same streets and complain about the same traffic. \#
            In the evening they sit in front of their houses and tell each other what they have seen during \#
            the day.
            """#
        ),
    ]
}

extension TokenFixture {
    static let cjk: [TokenFixture] = [
        TokenFixture(
            "cjk",
            105,
            69,
            #"""
            网关站在提问的人和回答的机器之间。它知道谁可以问什么、多久可以问一次,以及由谁付费。如果机器在一句话\#
            中间出了故障,网关就要决定是否可以再问一次,以及向谁提问。等待答案的人不应该察觉到这一切。
            """#
        ),
        TokenFixture(
            "cjk",
            90,
            59,
            #"""
            去年夏天,我们把整个办公室搬到了三楼。那台在一楼从来没有正常工作过的打印机,突然把所有东西都打印两遍\#
            。直到会计发现每张发票都有两份,才有人开始抱怨这件事。
            """#
        ),
        TokenFixture(
            "cjk",
            108,
            74,
            #"""
            要做一锅好汤,需要的是耐心而不是天赋。把洋葱切细,用黄油慢慢炒软,不要变色,然后加入胡萝卜和土豆。加\#
            水没过所有食材,放置半个小时。最后再加盐,因为水会变少,而盐不会。
            """#
        ),
        TokenFixture(
            "cjk",
            123,
            87,
            #"""
            ゲートウェイは、質問する人と答える機械の間に立っています。誰が何をどのくらいの頻度で質問できるのか、\#
            そして誰がその費用を払うのかを知っています。機械が文の途中で止まったときは、もう一度質問してよいかど\#
            うかを決めなければなりません。
            """#
        ),
        TokenFixture(
            "cjk",
            115,
            82,
            #"""
            去年の夏、私たちは事務所全体を三階に引っ越しました。一階では一度も動かなかったプリンターが、突然すべ\#
            ての書類を二回ずつ印刷し始めました。経理の人が請求書を二枚ずつ見つけるまで、誰も文句を言いませんでし\#
            た。
            """#
        ),
        TokenFixture(
            "cjk",
            104,
            75,
            #"""
            おいしいスープを作るには、才能よりも忍耐が必要です。玉ねぎを細かく切り、バターでゆっくり炒めてから、\#
            にんじんとじゃがいもを加えます。水を入れて三十分ほど煮込み、塩は最後に入れてください。
            """#
        ),
    ]
}

extension TokenFixture {
    static let code: [TokenFixture] = [
        TokenFixture(
            "code",
            125,
            127,
            #"""
            func settle(_ attempt: Attempt, at now: Instant) throws -> Receipt {
                guard let open = self.open[attempt.id] else { throw LedgerError.unknown(attempt.id) }
                let cost = open.rates.cost(of: attempt.usage)
                self.reserved -= open.reserved
                self.spent += cost
                for budget in open.budgets where budget.window.contains(now) {
                    budget.counter += cost
                    if budget.counter > budget.limit { self.alerts.append(budget.name) }
                }
                return Receipt(id: attempt.id, cost: cost, endedAt: now)
            }
            """#
        ),
        TokenFixture(
            "code",
            110,
            109,
            #"""
            def read_records(path, key):
                """Yield every whole record of a segment, and stop at the first torn one."""
                with open(path, "rb") as handle:
                    while True:
                        header = handle.read(8)
                        if len(header) < 8:
                            return
                        length, check = struct.unpack("<II", header)
                        payload = handle.read(length)
                        if len(payload) != length or siphash(key, payload) != check:
                            return
                        yield payload[0], payload[1:]
            """#
        ),
        TokenFixture(
            "code",
            103,
            104,
            #"""
            async function loadPrices(url, { timeout = 5000, signal } = {}) {
              const response = await fetch(url, { signal, headers: { accept: "application/json" } });
              if (!response.ok) {
                throw new Error(`prices: ${response.status} ${response.statusText}`);
              }
              const { version, prices } = await response.json();
              return new Map(prices.map((row) => [`${row.provider}/${row.model}`, { ...row, version }]));
            }
            """#
        ),
        TokenFixture(
            "code",
            85,
            85,
            #"""
            SELECT provider, model, SUM(tokens_in) AS tokens_in, SUM(tokens_out) AS tokens_out,
                   SUM(cost) / 1000000.0 AS dollars, COUNT(*) AS attempts
            FROM usage_hours
            WHERE hour >= ?1 AND hour < ?2 AND group_id = ?3
            GROUP BY provider, model
            HAVING SUM(cost) > 0
            ORDER BY dollars DESC
            LIMIT 50;
            """#
        ),
        TokenFixture(
            "code",
            141,
            141,
            #"""
            static int append(struct segment *seg, uint8_t kind, const void *data, uint32_t size)
            {
                uint32_t need = (8 + 1 + size + 7) & ~7u;
                if (seg->used + need > seg->capacity)
                    return -ENOSPC;
                uint8_t *at = seg->base + seg->used;
                at[8] = kind;
                memcpy(at + 9, data, size);
                atomic_store_explicit((_Atomic uint64_t *)at, header(at + 8, size + 1), \#
            memory_order_release);
                seg->used += need;
                return 0;
            }
            """#
        ),
        TokenFixture(
            "code",
            82,
            83,
            #"""
            for host in "$@"; do
              if ! curl -fsS --max-time 3 "http://$host:8080/healthz" > /dev/null; then
                echo "$(date -Is) $host does not answer" >> "$log"
                failed=$((failed + 1))
              fi
            done
            [ "$failed" -eq 0 ] || exit 1
            """#
        ),
    ]
}

extension TokenFixture {
    static let json: [TokenFixture] = [
        TokenFixture(
            "json",
            84,
            84,
            #"""
            {"id": "row-0", "provider": "openai", "model": "large", "tokens": {"input": 1200, "output": 88, \#
            "cached": 0}, "cost": 0.004, "ok": false, "labels": ["chat", "whole"], "started_at": \#
            "2026-11-10T08:00:00Z"}
            """#
        ),
        TokenFixture(
            "json",
            106,
            106,
            #"""
            {
              "id": "row-1",
              "provider": "groq",
              "model": "medium",
              "tokens": {
                "input": 1237,
                "output": 101,
                "cached": 400
              },
              "cost": 0.0163,
              "ok": true,
              "labels": [
                "chat",
                "stream"
              ],
              "started_at": "2026-11-11T08:05:00Z"
            }
            """#
        ),
        TokenFixture(
            "json",
            85,
            86,
            #"""
            {"id": "row-2", "provider": "mistral", "model": "small", "tokens": {"input": 1274, "output": \#
            114, "cached": 800}, "cost": 0.0286, "ok": true, "labels": ["chat", "whole"], "started_at": \#
            "2026-11-12T08:10:00Z"}
            """#
        ),
        TokenFixture(
            "json",
            106,
            106,
            #"""
            {
              "id": "row-3",
              "provider": "openai",
              "model": "large",
              "tokens": {
                "input": 1311,
                "output": 127,
                "cached": 0
              },
              "cost": 0.0409,
              "ok": true,
              "labels": [
                "chat",
                "stream"
              ],
              "started_at": "2026-11-13T08:15:00Z"
            }
            """#
        ),
    ]
}
