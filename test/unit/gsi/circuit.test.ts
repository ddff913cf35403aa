import { describe, expect, it } from 'vitest'
import { Circuit } from '../../../src/gsi/circuit.js'
import { FakeClock } from '../../support/fake-clock.js'

class Memory {
  readonly clock = new FakeClock()
  readonly told: string[] = []
  readonly circuit = new Circuit({
    clock: this.clock,
    journal: { write: (level, event, message) => this.told.push(`${level} ${event}: ${message}`) },
  })
}

const PX = 'px.example.org:7512 (192.0.2.1)'

describe('Circuit', () => {
  it('knows nothing against anybody at first', () => {
    expect(new Memory().circuit.deadAt(PX)).toBeUndefined()
  })

  it('remembers where somebody stopped answering after 5 s, and says so once', () => {
    const { circuit, told } = new Memory()
    circuit.silent(PX, 'connect', 5000)
    circuit.silent(PX, 'tls', 5000)
    expect(circuit.deadAt(PX)).toBe('tls')
    expect(told).toEqual([
      `warn server-silent: ${PX} does not answer; where another can be asked it gets 0.25 s from now on`,
    ])
  })

  it('does not note who fails within 249 ms: that holds nobody up', () => {
    const { circuit } = new Memory()
    circuit.silent(PX, 'connect', 249)
    expect(circuit.deadAt(PX)).toBeUndefined()
    circuit.silent(PX, 'connect', 250)
    expect(circuit.deadAt(PX)).toBe('connect')
  })

  it('forgets all when it answers, and says after how long', async () => {
    const { circuit, clock, told } = new Memory()
    circuit.silent(PX, 'connect', 5000)
    await clock.advanceSeconds(90)
    circuit.silent(PX, 'connect', 250)
    circuit.answered(PX)
    circuit.answered(PX)
    expect(circuit.deadAt(PX)).toBeUndefined()
    expect(told.slice(1)).toEqual([`info server-answers: ${PX} answers again, after 90 s`])
  })

  it('remembers the last 1000', () => {
    const { circuit } = new Memory()
    for (let at = 0; at < 1001; at++) circuit.silent(`px${at}`, 'connect', 5000)
    expect(circuit.deadAt('px0')).toBeUndefined()
    expect(circuit.deadAt('px1')).toBe('connect')
    expect(circuit.deadAt('px1000')).toBe('connect')
  })

  it('looks again once at a time, and not at all once it is closed', async () => {
    const { circuit, clock } = new Memory()
    const looks: AbortSignal[] = []
    const look = (signal: AbortSignal) => {
      looks.push(signal)
      return clock.sleep(5000, signal)
    }
    circuit.lookAgain(PX, look)
    circuit.lookAgain(PX, look)
    expect(looks).toHaveLength(1)
    await clock.advance(5000)
    circuit.lookAgain(PX, look)
    expect(looks).toHaveLength(2)
    circuit.close()
    expect(looks[1]?.aborted).toBe(true)
    await clock.settle()
    expect(clock.sleeping).toBe(0)
    circuit.lookAgain(PX, look)
    expect(looks).toHaveLength(2)
  })
})
