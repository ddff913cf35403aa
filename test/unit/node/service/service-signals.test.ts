import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  listenForSignals,
  type SignalledService,
} from '../../../../src/node/service/service-signals.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A service whose process is not this one. */
function signalled(given: Partial<SignalledService> = {}) {
  const heard: string[] = []
  const ourselves = Object.assign(new EventEmitter(), {
    exit: (status: number) => heard.push(`exit ${status}`),
  })
  const journal = {
    write: (level: string, event: string) => heard.push(`${level} ${event}`),
    close: async () => void heard.push('closed'),
  }
  const forget = listenForSignals(
    {
      journal,
      stopDeadlineMs: 15_000,
      onStop: () => heard.push('stop'),
      onReload: () => heard.push('reload'),
      onWake: () => heard.push('wake'),
      ...given,
    },
    ourselves as unknown as NodeJS.Process,
  )
  const send = (event: string, ...rest: unknown[]) => ourselves.emit(event, ...rest)
  return { heard, forget, ourselves, send }
}

describe('signals of a service', () => {
  it.each([
    ['SIGHUP', 'reload'],
    ['SIGUSR1', 'wake'],
    ['SIGTERM', 'stop'],
    ['SIGINT', 'stop'],
  ])('%s means %s', (signal, meaning) => {
    const { heard, send } = signalled()
    send(signal)
    expect(heard).toEqual([meaning])
  })

  it('asks one end of a service that is told to end 3 times', () => {
    const { heard, send } = signalled()
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM']) send(signal)
    expect(heard).toEqual(['stop'])
  })

  it('ends with 1 at the second request where that is what a second one means', () => {
    const { heard, send } = signalled({ endsWhenAskedTwice: true })
    send('SIGTERM')
    send('SIGTERM')
    expect(heard).toEqual(['stop', 'exit 1'])
  })

  it('forces an end that takes longer than 15 s, also where the handlers have gone, and says so', async () => {
    const { heard, send, forget } = signalled()
    send('SIGTERM')
    forget()
    await vi.advanceTimersByTimeAsync(14_999)
    expect(heard).toEqual(['stop'])
    await vi.advanceTimersByTimeAsync(1)
    expect(heard).toEqual(['stop', 'error stop-overdue', 'closed', 'exit 1'])
  })

  it.each(['uncaughtException', 'unhandledRejection'])(
    'ends with 1 after %s, once the log has its code and its stack',
    async (event) => {
      const fields: unknown[] = []
      const heard: string[] = []
      const journal = {
        write: (_level: string, name: string, message: string, more?: object) => {
          heard.push(`${name} ${message}`)
          fields.push(more)
        },
        close: () => Promise.reject(new Error('nobody reads')),
      }
      const { send, heard: after } = signalled({ journal })
      send(event, new TypeError('a bug'))
      await vi.advanceTimersByTimeAsync(0)
      expect(heard).toEqual(['crashed a bug'])
      expect(fields).toMatchObject([
        { code: 'INTERNAL', stack: expect.stringContaining('TypeError: a bug') },
      ])
      expect(after).toEqual(['exit 1'])
    },
  )

  it('ends 2 s after a bug at the latest, also where the log is never written out', async () => {
    const journal = { write: () => undefined, close: () => new Promise<void>(() => undefined) }
    const { send, heard } = signalled({ journal })
    send('uncaughtException', new TypeError('a bug'))
    await vi.advanceTimersByTimeAsync(1999)
    expect(heard).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(heard).toEqual(['exit 1'])
  })

  it('leaves SIGUSR1 to others where the service cannot be woken, and nothing behind at the end', () => {
    const { forget, ourselves } = signalled({ onWake: undefined as never })
    expect(ourselves.listenerCount('SIGUSR1')).toBe(0)
    expect(ourselves.listenerCount('SIGHUP')).toBe(1)
    forget()
    expect(ourselves.eventNames()).toEqual([])
  })
})
