import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { nodeCallOuts } from '../../../src/node/ports/node-call-outs.js'
import type { CallOutRequest } from '../../../src/ports/call-out.js'
import { rejectionOf } from '../../support/failure.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const NEVER = new AbortController().signal

/** A shell script in a directory of its own. */
async function script(text: string): Promise<string> {
  const path = join(await temporaryDirectory(), 'program')
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

const run = (file: string, request: Partial<CallOutRequest> = {}, deadlineMs?: number) =>
  nodeCallOuts.run(
    { file, arguments: [], ...request },
    { signal: NEVER, ...(deadlineMs !== undefined && { deadlineMs }) },
  )

describe('a program of the administrator', () => {
  it('gets words, input and variables as they are, and answers with status 3 and both outputs', async () => {
    const file = await script('printf "%s|" "$@"; cat; echo "$DN" >&2; exit 3')
    const answer = await run(file, {
      arguments: ['a b', '$(id)', ''],
      input: Buffer.from('secret\n'),
      environment: { DN: '/CN=x y' },
    })
    expect(answer.status).toBe(3)
    expect(Buffer.from(answer.stdout).toString()).toBe('a b|$(id)||secret\n')
    expect(answer.stderr).toBe('/CN=x y\n')
  })

  it('has PATH and nothing else in its environment, and starts in /', async () => {
    const file = await script('/usr/bin/env; /bin/pwd')
    const lines = Buffer.from((await run(file)).stdout)
      .toString()
      .trim()
      .split('\n')
    const ofTheShell = /^(PWD|OLDPWD|SHLVL|_)=/
    expect(lines.filter((line) => !ofTheShell.test(line))).toEqual([
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      '/',
    ])
  })

  it('may leave 1 MiB of input unread', async () => {
    const answer = await run(await script('exit 0'), { input: Buffer.alloc(1024 * 1024) })
    expect(answer.status).toBe(0)
  })

  it('that ends by a signal has no status', async () => {
    expect((await run(await script('kill -TERM $$'))).status).toBeUndefined()
  })

  it('is killed after 200 ms, with the child that it waits for', async () => {
    const note = join(await temporaryDirectory(), 'child')
    const file = await script(`sleep 60 & echo $! > ${note}; wait`)
    const failure = await rejectionOf(run(file, {}, 200))
    expect(failure).toMatchObject({ code: 'PROGRAM_FAILED', data: { path: file } })
    expect(failure.message).toContain('did not end within 0.2 s')
    await vi.waitFor(() => expect(lives(readFileSync(note, 'utf8').trim())).toBe(false))
  })

  it('takes the children that it left running with it, and the answer waits for none', async () => {
    const file = await script('sleep 60 & echo $!')
    const answer = await run(file)
    const child = Buffer.from(answer.stdout).toString().trim()
    expect(answer.status).toBe(0)
    await vi.waitFor(() => expect(lives(child)).toBe(false))
  })

  it('is killed when the signal fires, whose reason is thrown', async () => {
    const ending = new AbortController()
    const running = nodeCallOuts.run(
      { file: await script('sleep 60'), arguments: [] },
      { signal: ending.signal },
    )
    ending.abort(new Error('the client went away'))
    await expect(running).rejects.toThrow('the client went away')
  })

  it('is killed when it writes more than 1 MiB', async () => {
    const failure = await rejectionOf(run(await script('exec cat /dev/zero')))
    expect(failure).toMatchObject({ code: 'PROGRAM_FAILED' })
    expect(failure.message).toContain('more than 1048576 bytes')
  })
})

describe('what is not run', () => {
  it.each([
    ['what is not there', (file: string) => `${file}-other`, 'it is not there'],
    ['a path that is not absolute', () => 'program', 'its path is not absolute'],
    ['a directory', (file: string) => join(file, '..'), 'it is no regular file'],
  ])('%s', async (_what, pathOf, why) => {
    const path = pathOf(await script('exit 0'))
    const failure = await rejectionOf(run(path))
    expect(failure).toMatchObject({ code: 'PROGRAM_FAILED', data: { path } })
    expect(failure.message).toContain(why)
  })

  it('a file that may not be executed, and one whose interpreter is gone', async () => {
    const file = await script('exit 0')
    chmodSync(file, 0o644)
    expect((await rejectionOf(run(file))).message).toContain('chmod 0755')
    const bare = join(await temporaryDirectory(), 'bare')
    writeFileSync(bare, '#!/gone\n', { mode: 0o755 })
    expect((await rejectionOf(run(bare))).message).toContain(
      'the interpreter in its first line is not there',
    )
  })

  it.each([
    ['the group can write', 0o775],
    ['everybody can write, also with a sticky bit', 0o1757],
  ])('a file that %s', async (_whom, mode) => {
    const file = await script('exit 0')
    chmodSync(file, mode)
    const failure = await rejectionOf(run(file))
    expect(failure).toMatchObject({ code: 'PROGRAM_FAILED', data: { path: file, at: file } })
  })

  it('a file in a directory that others can write, also through a link', async () => {
    const directory = await temporaryDirectory()
    const open = join(directory, 'open')
    mkdirSync(open)
    chmodSync(open, 0o777)
    writeFileSync(join(open, 'program'), '#!/bin/sh\n', { mode: 0o755 })
    symlinkSync(join(open, 'program'), join(directory, 'link'))
    const failure = await rejectionOf(run(join(directory, 'link')))
    expect(failure).toMatchObject({ code: 'PROGRAM_FAILED', data: { at: open } })
  })

  it.runIf(process.getuid?.() === 0)('a file of another user', async () => {
    const file = await script('exit 0')
    chownSync(file, 1, 1)
    expect(await rejectionOf(run(file))).toMatchObject({ data: { at: file } })
  })
})

/** A process that has ended and that nobody has waited for has no program any more. */
function lives(pid: string): boolean {
  expect(pid).toMatch(/^\d+$/)
  try {
    return readlinkSync(`/proc/${pid}/exe`) !== ''
  } catch {
    return false
  }
}
