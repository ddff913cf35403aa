/** As many clients at once as one address may have, the C ones and ours, at a MyProxy server of ours. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { describeWithPrograms } from '../support/programs.js'
import { putAlice, renewAlice } from '../support/raw-myproxy-client.js'

const EACH = 32

describeWithPrograms('64 clients at once', ['myproxy-info'], () => {
  let grid: EmbeddedGrid

  beforeAll(async () => {
    grid = await startEmbeddedGrid({ key: 'rsa2048' })
    await putAlice(grid)
  })
  afterAll(() => grid?.stop())

  it('are served, 32 by `myproxy-info` and 32 renewals of ours, each with a line in the log', async () => {
    grid.log.splice(0)
    const times = <T>(one: () => Promise<T>) => Promise.all(Array.from({ length: EACH }, one))
    const patient = { ...grid, myproxy: { ...grid.myproxy, connectMs: 60_000, answerMs: 60_000 } }
    const [told, renewed] = await Promise.all([
      times(() => grid.run('myproxy-info', ['-d', '-l', 'alice'], { as: grid.users.alice })),
      times(() => renewAlice(patient)),
    ])
    expect(told.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(told.map(() => [0, '']))
    expect(new Set(told.map(({ stdout }) => stdout.includes(grid.users.alice.dn)))).toEqual(
      new Set([true]),
    )
    // No two of them got the same proxy.
    const serials = renewed.map(({ credential }) => credential.chain[0]?.serialHex)
    expect(new Set(serials).size).toBe(EACH)
    // The line is written when the answer has left.
    const lines = () => grid.log.filter(({ event }) => event === 'myproxy-served')
    await expect.poll(lines).toHaveLength(2 * EACH)
    const served = lines()
    expect(new Set(served.map(({ fields }) => fields.serial).filter(Boolean))).toEqual(
      new Set(serials),
    )
    expect(new Set(served.map(({ fields }) => fields.peer)).size).toBe(2 * EACH)
  })
})
