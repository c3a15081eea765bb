import { isIPv4 } from "node:net";

/** 127.0.0.0/8, ::1 and `localhost`; never a name that DNS could answer. */
export function isLoopback(address: string): boolean {
  if (isIPv4(address)) return address.startsWith("127.");
  return address === "::1" || address.toLowerCase() === "localhost";
}
