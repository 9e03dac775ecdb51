import Core
import Testing

@Suite struct AddressBlockTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.2.3", "10.1.2.3", true),
        ("10.1.2.3", "10.1.2.4", false), ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "2001:db8::1", false),
        ("192.168.4.0/22", "192.168.7.255", true), ("192.168.4.0/22", "192.168.8.0", false),
        ("::ffff:10.0.0.0/104", "10.9.9.9", false), ("10.0.0.0/8", "::ffff:10.9.9.9", true),
        ("fd00::/8", "fd12:3456::1", true), ("fd00::/8", "fe80::1", false), ("::1", "::1", true),
        ("::/0", "10.0.0.1", true), ("2001:db8::/33", "2001:db8:8000::", false), ("10.0.0.0/8", "name", false),
    ])
    func `an address lies in a block or does not`(block: String, address: String, isInside: Bool) throws {
        let block = try #require(AddressBlock(block) ?? AddressBlock("255.255.255.255"))
        #expect(block.contains(address) == isInside)
    }

    @Test(arguments: [
        "", "x", "10.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8/8", "fd00::/129", "localhost",
        "1.2.3.4 ", "[::1]", "::1%eth0", "10.0.0.0/+8",
    ])
    func `what is no block is none`(text: String) { #expect(AddressBlock(text) == nil) }
}
