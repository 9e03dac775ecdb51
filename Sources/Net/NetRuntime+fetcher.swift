package import Transport

extension NetRuntime {
    /// Small HTTP calls for code that is on no loop; they run on the first one.
    package var fetcher: Fetcher {
        Fetcher { request in try await self.run { transport in try await transport.fetch(request) } }
    }
}
