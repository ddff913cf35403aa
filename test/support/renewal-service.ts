/** Runs the daemon in a {@link renewalWorld}, and ends it when the test does. */
import { onTestFinished } from 'vitest'
import { RenewalDaemon } from '../../src/renewal/daemon.js'
import type { RenewalWorld } from './renewal-world.js'

export interface RunningDaemon {
  daemon: RenewalDaemon
  stop(): Promise<void>
}

/** A second one in the same world is what a restart is: the disk stays, memory does not. */
export async function startDaemon(world: RenewalWorld): Promise<RunningDaemon> {
  const daemon = new RenewalDaemon(world.context)
  const stopping = new AbortController()
  const ended = daemon.run(stopping.signal)
  const stop = async () => {
    stopping.abort()
    await ended
  }
  onTestFinished(stop)
  await world.clock.advance(0)
  return { daemon, stop }
}
