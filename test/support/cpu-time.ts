/**
 * The computing time of a piece of work that must not explode on hostile input: unlike the time that
 * passes, it does not grow because the machine is busy. Compare it with bounds far above what is
 * needed and far below what an explosion costs.
 */
export function cpuSecondsOf(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}
