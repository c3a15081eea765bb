/** An object is in the snapshot's catalogue but gone for PostgreSQL's functions, which see the newest state. */
export class ChangedMeanwhile extends Error {
  constructor(object: string) {
    super(`${object} was dropped while it was read`);
  }
}
