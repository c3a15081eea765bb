/** Bytes that the gate reads of a body, where a route does not say otherwise. Evidence and SQL together are seldom more than one megabyte. */
export const bodyLimit = 8 * 1024 * 1024;
