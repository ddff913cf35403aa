/** A real disk on which a test can make any single call of the system fail, or never return. */
import * as promises from 'node:fs/promises'
import type { Disk } from '../../src/node/ports/files.js'

/**
 * A call that is about to be made: `rename`, `write`, `sync`, …; calls on open files name no path.
 */
export interface DiskStep {
  name: string
  path?: string
}

/** Calls on an open file that change something. */
const HANDLE_STEPS = ['writeFile', 'write', 'sync', 'datasync', 'chmod', 'chown', 'close'] as const

/**
 * Calls `before` ahead of each call that changes something; what it throws is the call's failure.
 */
export function faultyDisk(before: (step: DiskStep) => void | Promise<void>): Disk {
  const step =
    <A extends [unknown, ...unknown[]], R>(name: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await before({ name, path: String(args[0]) })
      return call(...args)
    }
  const open = async (...args: Parameters<typeof promises.open>) => {
    await before({ name: 'open', path: String(args[0]) })
    return withSteps(await promises.open(...args), before)
  }
  return {
    ...promises,
    open,
    rename: step('rename', promises.rename),
    link: step('link', promises.link),
    unlink: step('unlink', promises.unlink),
  }
}

/** An error as the system gives it. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: as the test wants it`), { code })
}

function withSteps(
  handle: promises.FileHandle,
  before: (step: DiskStep) => void | Promise<void>,
): promises.FileHandle {
  return new Proxy(handle, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const call = value.bind(target)
      const isStep = HANDLE_STEPS.some((stepName) => stepName === name)
      if (!isStep) return call
      return async (...args: unknown[]) => {
        try {
          await before({ name: String(name) })
        } catch (error) {
          if (name === 'close') await call()
          throw error
        }
        return call(...args)
      }
    },
  })
}
