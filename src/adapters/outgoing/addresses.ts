import dns from "node:dns";
import { BlockList, isIP, isIPv6, type LookupFunction } from "node:net";
import { PlangateError } from "../../core/errors.ts";
import { isLoopback } from "../config/loopback.ts";

/** `address-refused`: a name or URL leads where nothing that the gate may ask for can be. */
export class AddressRefused extends PlangateError {
  constructor(host: string, address: string) {
    super(
      "address-refused",
      `${host} leads to ${address}: the gate asks nothing of link-local and cloud metadata addresses, nor of its own machine unless the URL says so`,
    );
  }
}

/**
 * Where clouds answer with credentials, and what leads there: link-local addresses (RFC 3927, RFC 4291 section 2.5.6) in both
 * versions and behind NAT64 (RFC 6052), 0.0.0.0/8 (which is this machine), and the metadata services that are elsewhere: Alibaba
 * Cloud, Azure, Oracle Cloud, AWS and Google Cloud by IPv6. Private networks are not among them: issuers and webhooks live there.
 */
const refused = new BlockList();
refused.addSubnet("0.0.0.0", 8);
refused.addSubnet("169.254.0.0", 16);
refused.addAddress("100.100.100.200");
refused.addAddress("168.63.129.16");
refused.addAddress("192.0.0.192");
refused.addAddress("::", "ipv6");
refused.addSubnet("fe80::", 10, "ipv6");
refused.addSubnet("64:ff9b::a9fe:0", 112, "ipv6");
refused.addAddress("fd00:ec2::254", "ipv6");
refused.addAddress("fd20:ce::254", "ipv6");

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");

/** `hostname` as a URL has it: an IPv6 address is in brackets. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** May the gate connect to this address when a URL names `host`? */
export function isRefusedAddress(host: string, address: string): boolean {
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  return refused.check(address, family) || (loopback.check(address, family) && !isLoopback(host));
}

/** Throws AddressRefused where the host itself is an address: such a host is not looked up. */
export function checkHost(host: string): void {
  if (isIP(host) !== 0 && isRefusedAddress(host, host)) throw new AddressRefused(host, host);
}

/** Resolves names at the moment of the connection, so that what was looked up is what is connected to (DNS rebinding). */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, [], 0);
    const bad = addresses.find(({ address }) => isRefusedAddress(hostname, address));
    const [first] = addresses;
    if (bad !== undefined) return callback(new AddressRefused(hostname, bad.address), [], 0);
    if (options.all === true || first === undefined) return callback(null, addresses);
    callback(null, first.address, first.family);
  });
};
