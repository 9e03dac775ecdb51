@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// Runs the fuzzer.
///
/// SwiftPM calls the main function of a target by this name.
@_cdecl("FuzzAnswers_main")
public func fuzzerMain(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments) { start, length in
        do {
            try checkAnswers(UnsafeRawBufferPointer(start: start, count: length))
        } catch {
            preconditionFailure("\(error)")
        }
        return 0
    }
}
