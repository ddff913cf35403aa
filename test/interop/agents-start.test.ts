/** `agents start` with agents as sites write them: real shell scripts, real owners and modes. */
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { AgentsBox, asRoot } from '../support/agents-box.js'

const outcomes = (answer: { agents: readonly { name: string; outcome: string }[] }) =>
  answer.agents.map(({ name, outcome }) => `${name} ${outcome}`)

it('runs each executable as NAME start in C-locale order, as the VO admin, in the VO directory', async () => {
  const box = await AgentsBox.make()
  for (const name of ['b', 'B', '10-a', 'a']) {
    box.put('start', name, 'echo "$1 in $PWD as $(id -u), home $HOME, vo $VOBOX_VO"')
  }
  const answer = box.run('start', { HOME: '/root', NOTIFY_SOCKET: '/run/systemd/notify' })
  expect(answer.status).toBe(0)
  expect(outcomes(answer)).toEqual(['10-a started', 'B started', 'a started', 'b started'])
  await box.until(() => box.lines().filter((line) => line.endsWith('status 0')).length === 4)
  const starts = box.lines().filter((line) => line.includes(' started in pid '))
  expect(starts.map((line) => line.split(' ')[0])).toEqual(['10-a', 'B', 'a', 'b'])
  const home = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(box.uid))?.[5]
  expect(box.lines()).toContain(
    `a: start in ${box.paths.directory} as ${box.uid}, home ${home}, vo alice`,
  )
  expect(box.log()).toMatch(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S+:? .*\n)+$/)
  const { uid, mode } = statSync(box.paths.agentsLog)
  expect({ uid, mode: mode & 0o777 }).toEqual({ uid: box.uid, mode: 0o640 })
})

it('returns at once while an agent runs on, in a session of its own, and writes down what it says later', async () => {
  const box = await AgentsBox.make()
  box.put('start', 'monitor', 'echo up; while [ ! -e go ]; do sleep 0.05; done; echo late; exit 3')
  const answer = box.run('start')
  expect(answer.ms).toBeLessThan(15_000)
  expect(answer.agents).toMatchObject([{ name: 'monitor', outcome: 'started' }])
  const [{ pid } = { pid: 0 }] = answer.agents as { pid: number }[]
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  expect(fields.slice(2, 4)).toEqual([String(pid), String(pid)])
  expect(box.lines()).not.toContain('monitor: late')
  chownSync(box.put('start', '../go', ''), box.uid, box.uid)
  await box.until(() => box.lines().includes('monitor ended with status 3'))
  expect(box.lines()).toContain('monitor: late')
  await box.until(() => box.processes().length === 0)
})

it('leaves alone what still runs since an earlier start, and starts the rest', async () => {
  const box = await AgentsBox.make()
  box.put('start', 'long', 'while [ ! -e go ]; do sleep 0.05; done')
  box.put('start', 'short', 'exit 0')
  box.run('start')
  await box.until(() => box.lines().includes('short ended with status 0'))
  const again = box.run('start')
  expect(again.status).toBe(0)
  expect(again.agents).toMatchObject([
    { name: 'long', outcome: 'skipped', reason: 'it runs since an earlier start' },
    { name: 'short', outcome: 'started' },
  ])
  box.put('start', '../go', '')
  await box.until(() => box.lines().includes('long ended with status 0'))
  await box.until(() => outcomes(box.run('start'))[0] === 'long started')
})

it('one that fails, is no program, or lacks its interpreter holds up none', async () => {
  const box = await AgentsBox.make()
  box.put('start', '1-fails', 'echo sorry >&2; exit 7')
  box.put('start', '2-no-interpreter', '#!/nonexistent/sh\n')
  box.put('start', '3-killed', 'kill -9 $$')
  box.put('start', '4-works', 'echo done')
  const answer = box.run('start')
  expect(outcomes(answer)).toEqual([
    '1-fails started',
    '2-no-interpreter failed',
    '3-killed started',
    '4-works started',
  ])
  await box.until(() => box.processes().length === 0)
  expect(box.lines()).toEqual(
    expect.arrayContaining([
      '1-fails: sorry',
      '1-fails ended with status 7',
      '2-no-interpreter could not be started: it is gone, or the interpreter in its first line is not there',
      '3-killed was ended by SIGKILL',
      '4-works: done',
      '4-works ended with status 0',
    ]),
  )
})

it('runs no link, directory, backup, hidden file, or file that is not executable or that others can write', async () => {
  const box = await AgentsBox.make()
  box.put('start', '.hidden', 'echo ran')
  for (const name of ['a~', 'a.rpmsave', 'a.dpkg-old', 'a\nb']) box.put('start', name, 'echo ran')
  mkdirSync(join(box.paths.start, 'directory'))
  symlinkSync('/bin/true', join(box.paths.start, 'link'))
  box.put('start', 'open', 'echo ran', 0o777)
  box.put('start', 'plain', 'echo ran', 0o644)
  const answer = box.run('start')
  expect(answer.status).toBe(0)
  const reasons = Object.fromEntries(answer.agents.map((each) => [each.name, each]))
  expect(reasons).toMatchObject({
    'a~': { outcome: 'skipped', reason: 'it is named like a backup' },
    'a.rpmsave': { outcome: 'skipped' },
    'a\nb': { outcome: 'skipped', reason: 'its name holds control characters' },
    'a.dpkg-old': { outcome: 'skipped' },
    directory: { outcome: 'skipped', reason: 'it is a directory' },
    link: { outcome: 'skipped', reason: 'it is a link; put the program itself there' },
    open: { outcome: 'skipped', reason: 'others can write it; chmod go-w' },
    plain: { outcome: 'skipped', reason: 'it is not executable; chmod u+x' },
  })
  expect(Object.keys(reasons)).toHaveLength(8)
  await box.until(() => box.processes().length === 0)
  expect(box.log()).not.toContain('ran')
  expect(box.lines()).toContain('plain is not run: it is not executable; chmod u+x')
})

it.runIf(asRoot)(
  'runs what belongs to root, and nothing that belongs to somebody else',
  async () => {
    const box = await AgentsBox.make()
    chownSync(box.put('start', 'of-root', 'id -u'), 0, 0)
    chownSync(box.put('start', 'of-nobody', 'echo ran'), 65_534, 65_534)
    const answer = box.run('start')
    expect(answer.agents).toMatchObject([
      { name: 'of-nobody', outcome: 'skipped', reason: expect.stringContaining('uid 65534') },
      { name: 'of-root', outcome: 'started' },
    ])
    await box.until(() => box.lines().includes(`of-root: ${box.uid}`))
  },
)

it.runIf(asRoot)('root runs no agents of a VO directory that is its own', async () => {
  const box = await AgentsBox.make()
  box.put('start', 'a', 'echo ran >ran')
  for (const path of ['start/a', 'start', 'stop', '.']) {
    chownSync(join(box.paths.directory, path), 0, 0)
  }
  expect(box.run('start')).toMatchObject({ status: 1, code: 'NOT_PERMITTED' })
  expect(() => box.read('ran')).toThrow('ENOENT')
})

it('refuses a start directory that others can write', async () => {
  const box = await AgentsBox.make()
  box.put('start', 'a', 'echo ran')
  chmodSync(box.paths.start, 0o770)
  const answer = box.run('start')
  expect(answer).toMatchObject({ status: 1, code: 'VO_DIRECTORY_UNSAFE' })
  expect(box.log()).not.toContain('ran')
})

it('keeps 3 megabytes of text line by line, and binary output without control characters', async () => {
  const box = await AgentsBox.make()
  box.put('start', 'binary', "printf 'a\\033[31mb\\000c\\377d\\n'; head -c 100000 /dev/urandom")
  box.put('start', 'chatty', 'yes 0123456789012345678901234567890123456789 | head -n 75000')
  box.run('start')
  await box.until(() => box.processes().length === 0, 40_000)
  const lines = box.lines()
  const said = lines.filter((line) => line.startsWith('chatty: '))
  expect(said).toHaveLength(75_000)
  expect(new Set(said).size).toBe(1)
  expect(lines).toContain('binary: a [31mb c\ufffdd')
  expect(box.log()).not.toMatch(/[^\P{Cc}\n]/u)
})

it('follows an agent that closes its output, and a daemon that an agent leaves behind', async () => {
  const box = await AgentsBox.make()
  box.put('start', 'quiet', 'exec >&- 2>&-; while [ ! -e go ]; do sleep 0.05; done; exit 4')
  box.put(
    'start',
    'leaver',
    "setsid sh -c 'while [ ! -e go ]; do sleep 0.05; done; echo from the daemon' & exit 0",
  )
  const answer = box.run('start')
  expect(outcomes(answer)).toEqual(['leaver started', 'quiet started'])
  await box.until(() => box.lines().includes('leaver ended with status 0'))
  box.put('start', '../go', '')
  await box.until(() => box.lines().includes('quiet ended with status 4'))
  await box.until(() => box.lines().includes('leaver: from the daemon'))
  await box.until(() => box.processes().length === 0)
})
