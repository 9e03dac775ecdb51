package import Fuzzing

/// Runs the fuzzer.
@_cdecl("FuzzRequests_main")
package func fuzzerMain(_ count: CInt, _ arguments: FuzzArguments) -> CInt { fuzz(count, arguments, checkRequests) }
