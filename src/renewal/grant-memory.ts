/**
 * What each MyProxy server has granted since this process began, so that the cap of a server can be
 * told from a credential that was stored with a short `-t`. Losing it loses a finer diagnosis.
 */

interface ServerGrants {
  /** Last grant of each registration that got less than it asked for. */
  short: Map<string, number>
  /** The longest grant to anybody. */
  longestSeconds: number
}

export class GrantMemory {
  readonly #servers = new Map<string, ServerGrants>()

  note(server: string, fileName: string, grantedSeconds: number, short: boolean): void {
    const grants = this.#servers.get(server) ?? { short: new Map(), longestSeconds: 0 }
    this.#servers.set(server, grants)
    grants.longestSeconds = Math.max(grants.longestSeconds, grantedSeconds)
    if (short) grants.short.set(fileName, grantedSeconds)
    else grants.short.delete(fileName)
  }

  longestSeconds(server: string): number | undefined {
    return this.#servers.get(server)?.longestSeconds
  }

  /** How many other registrations got about as little from this server. */
  othersWithSame(server: string, fileName: string, grantedSeconds: number): number {
    let count = 0
    for (const [other, seconds] of this.#servers.get(server)?.short ?? []) {
      if (other !== fileName && Math.abs(seconds - grantedSeconds) <= 60) count++
      if (count > 1) break
    }
    return count
  }

  forget(fileName: string): void {
    for (const { short } of this.#servers.values()) short.delete(fileName)
  }
}
