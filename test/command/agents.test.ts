/** `agents` through the built program, as the init script calls it. */
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { VoBox } from '../support/vo-box.js'

let box: VoBox

beforeEach(async () => {
  box = new VoBox(await temporaryDirectory(), {
    vo: 'alice',
    config: '[agents]\nstop_seconds = 5\n',
  })
})

function put(directory: string, name: string, text: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o750 })
  const path = join(directory, name)
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  for (const each of [directory, path]) chownSync(each, box.admin.uid, box.admin.gid)
}

const call = (...words: string[]) => box.call(['--vo', 'alice', ...words], { asRoot: true })

describe('agents', () => {
  it('start says what runs and ends at once, though the agent goes on for 2 s', async () => {
    put(box.paths.start, 'monitor', 'sleep 2; echo "still here as $(id -u)"')
    const { status, stdout, stderr } = await call('agents', 'start')
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^monitor: started in pid \d+\n$/)
    const log = () => readFileSync(box.paths.agentsLog, 'utf8')
    for (let tries = 0; tries < 100 && !log().includes('status'); tries++) await sleep(100)
    expect(log()).toContain(`Z monitor: still here as ${box.admin.uid}\n`)
    expect(log()).toContain('Z monitor ended with status 0\n')
  })

  it('stop ends with 1 where one failed, and names it with what cures it', async () => {
    put(box.paths.stop, 'a', 'exit 0')
    put(box.paths.stop, 'b', 'exit 9')
    const { status, stdout, stderr } = await call('agents', 'stop')
    expect(status).toBe(1)
    expect(stdout).toBe('a: done\nb: ended with status 9\n')
    expect(stderr).toContain('of the agents of alice, b ended with status 9')
    expect(stderr).toContain('log/agents.log')
  })

  it('prints JSON where one failed too', async () => {
    put(box.paths.stop, 'b', 'exit 9')
    const { status, stdout, stderr } = await call('agents', 'stop', '--json')
    expect([status, stderr]).toEqual([1, ''])
    expect(JSON.parse(stdout)).toEqual({
      version: 1,
      vo: 'alice',
      action: 'stop',
      agents: [{ name: 'b', outcome: 'failed', reason: 'ended with status 9' }],
    })
  })

  it('has nothing to say without agents', async () => {
    expect(await call('agents', 'start')).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })

  it.each([['agents'], ['agents', 'restart'], ['agents', 'start', 'monitor']])(
    'refuses %s %s %s as wrong usage',
    async (...words) => {
      const { status, stdout } = await call(...words.filter((word) => word !== undefined))
      expect([status, stdout]).toEqual([2, ''])
    },
  )
})
