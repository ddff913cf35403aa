/** Hooks as real processes, through the checks that the service makes. Needs root for root's files. */
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { spawnSync } from '../support/bounded.js'
import { bundleScript } from '../support/bundled-script.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const DAEMON = 1

/** A caller that leaves descriptors open, a low one and a high one. */
const LEAKS = 'exec "$@" 7</etc/passwd 88</etc/passwd'

/** What the process of the test reports. */
interface HooksReport {
  ms: number
  lines: string[]
  events: { event: string; fields: Record<string, string> }[]
}

describe.runIf(process.getuid?.() === 0)('hooks, run as the VO admin', () => {
  let directory: string
  let hooks: string
  let script: string
  beforeEach(async () => {
    directory = await temporaryDirectory()
    chmodSync(directory, 0o755)
    hooks = join(directory, 'hooks')
    mkdirSync(hooks, { mode: 0o755 })
    mkdirSync(join(directory, 'log'))
    chownSync(join(directory, 'log'), DAEMON, DAEMON)
    script = await bundleScript('run-hooks.ts', directory)
  })

  function put(name: string, text: string, mode = 0o755): string {
    const path = join(hooks, name)
    writeFileSync(path, `#!/bin/sh\n${text}\n`)
    chmodSync(path, mode)
    return path
  }

  /** Two renewals of one file, one of another, and two alerts, one after the other. */
  function run(deadlineSeconds = 10, env: Record<string, string> = {}): HooksReport {
    const words = [script, hooks, join(directory, 'log/agents.log'), String(deadlineSeconds)]
    const { stdout, stderr } = spawnSync('sh', ['-c', LEAKS, 'bash', process.execPath, ...words], {
      encoding: 'utf8',
      uid: DAEMON,
      gid: DAEMON,
      timeout: 60_000,
      env: { PATH: '/usr/bin:/bin', MARK: directory, SECRET: 'x', ...env },
    })
    if (stdout === '') throw new Error(stderr)
    return JSON.parse(stdout)
  }

  it('runs renewed with its variables, no other environment and no descriptor but three', () => {
    put('renewed', 'id -u; env | LC_ALL=C sort; ls /proc/self/fd | tr "\\n" " "')
    const { lines, events } = run(10, { LANG: 'C.UTF-8' })
    expect(events).toEqual([])
    const said = lines.filter((line) => !line.includes('others')).map((line) => line.split(': ')[1])
    expect(said[0]).toBe(String(DAEMON))
    const names = said.flatMap((line) => /^([A-Z_]+)=/.exec(line ?? '')?.[1] ?? [])
    expect([...new Set(names)]).toEqual([
      'HOME',
      'LANG',
      'LOGNAME',
      'PATH',
      'PWD',
      'SHELL',
      'USER',
      'VOBOX_DN',
      'VOBOX_END',
      'VOBOX_EVENT',
      'VOBOX_FILE',
      'VOBOX_VO',
    ])
    expect(said).toContain('VOBOX_DN=/DC=ch/CN=Anna $(touch x); `id`')
    expect(said).toContain('VOBOX_FILE=/repository/anna')
    expect(said).toContain('VOBOX_EVENT=renewed')
    // The fourth is the directory that ls reads.
    expect(said).toContain('0 1 2 3')
  })

  it('runs alert with kind, state, sentence and cure, also for who has no address', () => {
    put(
      'alert',
      'echo "$VOBOX_EVENT|$VOBOX_ALERT|$VOBOX_STATE|$VOBOX_SENTENCE|$VOBOX_CURE|$VOBOX_END"',
    )
    expect(run().lines).toEqual([
      'hooks/alert: alert|user-proxy-short|begins|It ends soon.|Log in.|1800000000',
      'hooks/alert: alert|machine-proxy-missing|lasts|There is none.||',
    ])
  })

  it('renewals of one file that wait for a slow hook become one run, and two never run at once', () => {
    put('renewed', 'echo "begin $VOBOX_FILE $VOBOX_END"; sleep 0.3; echo "end $VOBOX_FILE"')
    expect(run().lines).toEqual([
      'hooks/renewed: begin /repository/anna 1800000002',
      'hooks/renewed: end /repository/anna',
      'hooks/renewed: begin /repository/others 1800000000',
      'hooks/renewed: end /repository/others',
    ])
  })

  it('kills a hook that hangs, and one that forks and goes, with all of their group after 1 s', () => {
    put('renewed', 'sleep 6003 & sleep 6004 & [ $VOBOX_FILE = /repository/anna ] || wait')
    const { ms, events } = run(1)
    expect(
      events.map(({ event, fields }) => [event, fields.hook, fields.code, fields.reason]),
    ).toEqual([
      [
        'hook-failed',
        'renewed',
        'HOOK_FAILED',
        `${hooks}/renewed left processes running, which were killed after 1 s`,
      ],
      [
        'hook-failed',
        'renewed',
        'HOOK_FAILED',
        `${hooks}/renewed did not end and was killed after 1 s`,
      ],
    ])
    expect(ms).toBeLessThan(8000)
    const { stdout } = spawnSync('ps', ['-eo', 'stat=,args='], { encoding: 'utf8' })
    expect(stdout.split('\n').filter((line) => /^[^Z].*sleep 600[34]$/.test(line))).toEqual([])
  })

  it('says that a hook fails, and keeps 64 KiB of what it says', () => {
    put('renewed', 'yes 0123456789 | head -c 1000000; exit 3')
    const { lines, events } = run()
    expect(events[0]).toMatchObject({
      event: 'hook-failed',
      fields: { hook: 'renewed', file: 'anna', reason: `${hooks}/renewed ended with status 3` },
    })
    const ofFirst = lines.slice(0, lines.indexOf('hooks/renewed ended with status 3'))
    expect(ofFirst.join('\n').length).toBeLessThan(2.5 * 65_536)
    expect(ofFirst.at(-1)).toBe('hooks/renewed wrote more than 65536 bytes; the rest is not kept')
  })

  const refusals: [string, () => void, RegExp][] = [
    [
      'a hook of the VO admin’s',
      () => chownSync(put('renewed', 'echo ran'), DAEMON, DAEMON),
      /others than root can change .*\/renewed$/,
    ],
    ['a hook that others can write', () => put('renewed', 'echo ran', 0o777), /can (change|write)/],
    [
      'a hook that may not be executed',
      () => put('renewed', 'echo ran', 0o700),
      /may not execute it/,
    ],
    ['a directory', () => mkdirSync(join(hooks, 'renewed')), /no regular file/],
    [
      'a link to somebody else’s',
      () => {
        writeFileSync(join(directory, 'log/mine'), '#!/bin/sh\necho ran\n', { mode: 0o755 })
        symlinkSync(join(directory, 'log/mine'), join(hooks, 'renewed'))
      },
      /others than root can change/,
    ],
    [
      'a hook in a directory of the VO admin’s',
      () => {
        put('renewed', 'echo ran')
        chownSync(hooks, DAEMON, DAEMON)
      },
      /others than root can change .*\/hooks$/,
    ],
    [
      'a hook in a directory that its group can write',
      () => {
        put('renewed', 'echo ran')
        chmodSync(hooks, 0o775)
      },
      /others than root can change .*\/hooks$/,
    ],
  ]
  it.each(refusals)('does not run %s, and says it once', (_what, prepare, reason) => {
    prepare()
    const { lines, events } = run()
    expect(lines).toEqual([])
    expect(events).toHaveLength(1)
    expect(events[0]?.fields.reason).toMatch(reason)
  })

  it('runs a hook of root’s through a link of root’s', () => {
    const path = put('site.sh', 'echo ran')
    symlinkSync(path, join(hooks, 'renewed'))
    expect(run().lines).toContain('hooks/renewed: ran')
  })

  it('root runs no hooks', () => {
    put('renewed', 'echo ran')
    const log = join(directory, 'log/agents.log')
    const words = [script, hooks, log, '10']
    const { stdout } = spawnSync(process.execPath, words, { encoding: 'utf8' })
    const { events } = JSON.parse(stdout) as HooksReport
    expect(events[0]?.fields.reason).toContain('root runs no hooks')
    expect(() => readFileSync(log)).toThrow('ENOENT')
  })

  it('there is nothing to say where there are no hooks', () => {
    expect(run()).toMatchObject({ lines: [], events: [] })
  })
})
