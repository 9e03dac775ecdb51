import Core
import Database
import Metering
import SQLite
import Testing

/// What the API answers about comparisons with shadow targets.
@Suite struct ShadowAPITests {
    @Test func `a list has figures, one comparison has the texts, and each group sees its own`() async throws {
        let road = try await AdminRoad()
        let answers = [
            AdminRoad.comparison("sha_red", of: AdminRoad.red), AdminRoad.comparison("sha_blue", of: AdminRoad.blue),
        ]
        try await road.database.write { try ShadowStore().insert(answers, in: $0) }
        let list = await road.send("GET", "/api/v1/shadows?model=fast", as: .adminOfRed)
        #expect(list.json?["data"]?.arrayValue?.map { $0["id"] } == ["sha_red"])
        #expect(!list.sent.contains("twelve"))
        #expect(list.sent.contains(#""likeness":0.666"#))
        let one = await road.send("GET", "/api/v1/shadows/sha_red", as: .adminOfRed)
        #expect(one.json?["data"]?["client"]?["text"] == "It is twelve.")
        #expect(one.json?["data"]?["shadow"]?["text"] == "It is noon.")
        #expect(await road.send("GET", "/api/v1/shadows/sha_blue", as: .adminOfRed).status == 404)
        let all = await road.send("GET", "/api/v1/shadows", as: .systemAdmin)
        #expect(all.json?["data"]?.arrayValue?.count == 2)
        let summary = await road.send("GET", "/api/v1/shadow-summary", as: .adminOfRed)
        #expect(summary.json?["data"]?[0]?["comparisons"] == 1 && summary.json?["data"]?[0]?["likeness"] != nil)
        #expect(await road.send("GET", "/api/v1/shadows?model=other", as: .systemAdmin).json?["data"] == [])
    }
}
