/// What a fuzz target holds against one input; throws where something that must hold does not.
package typealias FuzzCheck = @Sendable (UnsafeRawBufferPointer) throws -> Void

/// The arguments of a main function.
package typealias FuzzArguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<FuzzArguments>,
    _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

// Safety: written once, by the main thread, before the fuzzer runs; libFuzzer calls back on that thread alone.
nonisolated(unsafe) private var checkUnderWay: FuzzCheck = { _ in }

/// Runs libFuzzer over `check`, as the main function of a target; a failed check ends the process, so that its input is
/// kept.
///
/// SwiftPM calls the main function of a target by a name made of the target's, so that each has one of its own:
///
///     @_cdecl("FuzzSSE_main")
///     package func fuzzerMain(_ count: CInt, _ arguments: FuzzArguments) -> CInt {
///         fuzz(count, arguments, checkEvents)
///     }
package func fuzz(_ count: CInt, _ arguments: FuzzArguments, _ check: @escaping FuzzCheck) -> CInt {
    checkUnderWay = check
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments) { start, length in
        do {
            try checkUnderWay(UnsafeRawBufferPointer(start: start, count: length))
        } catch {
            preconditionFailure("\(error)")
        }
        return 0
    }
}
