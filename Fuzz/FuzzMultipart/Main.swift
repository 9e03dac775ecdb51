package import Fuzzing

/// Runs the fuzzer.
@_cdecl("FuzzMultipart_main")
package func fuzzerMain(_ count: CInt, _ arguments: FuzzArguments) -> CInt { fuzz(count, arguments, checkForm) }
