/** Servers that live as long as a test, and that nothing of them outlives it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProgram } from './programs.js'

/**
 * Starts a program as the leader of a process group, so that what it forks ends with it, and with an
 * order to the kernel to end it when we die, however that happens.
 */
export function startForLife(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ChildProcess {
  const path = findProgram(program)
  if (path === undefined) throw new Error(`${program} is not installed`)
  const setpriv = findProgram('setpriv') ?? 'setpriv'
  return spawn(setpriv, ['--pdeathsig', 'TERM', path, ...args], {
    env,
    stdio: 'ignore',
    detached: true,
  })
}

export async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal)
    } catch {
      // It is gone already.
    }
  }
  signalGroup('SIGTERM')
  const inTime = await Promise.race([ended.then(() => true), sleep(5000, false)])
  signalGroup('SIGKILL')
  if (!inTime) await ended
}

/** Tries until it works, for at most 20 seconds. */
export async function until(
  program: string,
  child: ChildProcess,
  attempt: () => Promise<unknown>,
): Promise<void> {
  let last: unknown
  for (let tries = 0; tries < 1000; tries++) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`)
    try {
      await attempt()
      return
    } catch (error) {
      last = error
      await sleep(20)
    }
  }
  throw new Error(`${program} did not start`, { cause: last })
}

export function canConnect(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
  })
}
