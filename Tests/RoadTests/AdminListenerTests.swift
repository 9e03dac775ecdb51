import Core
import HTTP
import Testing

/// Where administration has a listener of its own.
@Suite struct AdminListenerTests {
    @Test func `administration is served there and nowhere else, whoever asks`() async throws {
        let road = try await AdminRoad(hasAdminListener: true)
        for path in ["/api/v1/groups", "/api/v1/audit", "/api/v1/calls/live", "/metrics"] {
            let outside = await road.send("GET", path, as: .systemAdmin)
            #expect(outside.status == 404, "\(path)")
            // Like a path that there is not, for strangers too.
            let stranger = await road.send("GET", path, as: .anonymous)
            #expect(stranger.status == 404 && stranger.sent.contains("There is nothing at this path."), "\(path)")
        }
        for path in ["/api/v1/groups", "/api/v1/audit"] {
            let inside = await road.send("GET", path, as: .systemAdmin) { $0.isAdministrative = true }
            #expect(inside.status == 200, "\(path)")
            let stranger = await road.send("GET", path, as: .anonymous) { $0.isAdministrative = true }
            #expect(stranger.status == 401, "\(path)")
        }
    }

    @Test func `figures need no key there, and calls to models go on as ever`() async throws {
        let road = try await AdminRoad(hasAdminListener: true)
        for path in ["/metrics", "/api/ai/status"] {
            let answer = await road.send("GET", path, as: .anonymous) { $0.isAdministrative = true }
            #expect(answer.status == 200 || answer.status == 503, "\(path)")
        }
        #expect(await road.send("GET", "/api/ai/status", as: .anonymous).status == 401)
        #expect(await road.send("GET", "/v1/models", as: .application).status == 200)
        #expect(await road.send("GET", "/healthz", as: .anonymous).status == 200)
    }

    @Test func `without such a listener everything is on the one there is`() async throws {
        let road = try await AdminRoad()
        #expect(await road.send("GET", "/api/v1/groups", as: .systemAdmin).status == 200)
        #expect(await road.send("GET", "/metrics", as: .anonymous).status == 401)
    }
}
