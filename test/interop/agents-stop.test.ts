/** `agents stop` with scripts that fail, hang, fork and ignore being asked. */
import { expect, it } from 'vitest'
import { AgentsBox } from '../support/agents-box.js'

const SLEEPER = 'sleep 600'

it('runs each executable as NAME stop to its end, and says which failed', async () => {
  const box = await AgentsBox.make()
  box.put('stop', 'a-works', 'echo "$1 done"')
  box.put('stop', 'b-fails', 'exit 5')
  box.put('stop', 'c-works', 'sleep 0.2; echo later')
  box.put('stop', 'd-plain', 'echo ran', 0o600)
  const answer = box.run('stop')
  expect(answer.agents).toEqual([
    { name: 'a-works', outcome: 'ended' },
    { name: 'b-fails', outcome: 'failed', reason: 'ended with status 5' },
    { name: 'c-works', outcome: 'ended' },
    { name: 'd-plain', outcome: 'skipped', reason: 'it is not executable; chmod u+x' },
  ])
  expect(box.lines()).toEqual(
    expect.arrayContaining(['a-works: stop done', 'c-works: later', 'c-works ended with status 0']),
  )
})

it('kills the whole group of one that ignores SIGTERM within 3 s, while the others end well', async () => {
  const box = await AgentsBox.make(3)
  box.put('stop', 'forks', `trap '' TERM; ${SLEEPER} & ${SLEEPER} & wait; ${SLEEPER}`)
  box.put('stop', 'asked', "trap 'echo asked; exit 0' TERM; while :; do sleep 0.05; done")
  box.put('stop', 'quick', 'echo quick')
  const answer = box.run('stop')
  expect(answer.agents).toMatchObject([
    { name: 'asked', outcome: 'killed' },
    { name: 'forks', outcome: 'killed', reason: 'did not end and was killed after 3 s' },
    { name: 'quick', outcome: 'ended' },
  ])
  expect(box.lines()).toContain('asked: asked')
  await box.until(() => box.processes().length === 0, 2000)
  // The start of the process itself, on a busy machine, comes on top.
  expect(answer.ms).toBeLessThan(8000)
})

it('waits for no daemon that holds its output, and leaves it alone', async () => {
  const box = await AgentsBox.make()
  box.put('stop', 'leaver', `${SLEEPER} & exit 0`)
  const answer = box.run('stop')
  expect(answer.agents).toEqual([{ name: 'leaver', outcome: 'ended' }])
  expect(answer.ms).toBeLessThan(15_000)
  expect(box.processes()).toHaveLength(1)
})

it('does nothing, and ends well, where the directory is empty', async () => {
  const box = await AgentsBox.make()
  expect(box.run('stop')).toMatchObject({ status: 0, agents: [] })
  expect(box.log()).toBe('')
})
