/** How long a delegated proxy lives. */

export interface LifetimeLimits {
  /** Asked for by the client, in seconds; 0: as much as there is. */
  askedSeconds: number
  /** Stored with the credential (`myproxy-init -t`), in seconds; 0: no limit of its own. */
  storedSeconds: number
  /** The server's cap, in seconds; 0: none. */
  serverSeconds: number
  /** What is left of the stored chain, in seconds. */
  chainSeconds: number
}

/** The least of all limits; never negative. */
export function grantLifetime(limits: LifetimeLimits): number {
  const { askedSeconds, storedSeconds, serverSeconds, chainSeconds } = limits
  const set = [askedSeconds, storedSeconds, serverSeconds].filter((seconds) => seconds > 0)
  return Math.max(0, Math.min(chainSeconds, ...set))
}
