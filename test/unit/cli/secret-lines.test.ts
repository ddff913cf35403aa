/** Pass phrases from where a caller puts them. */
import { spawn } from 'node:child_process'
import { chmodSync, closeSync, constants, openSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { SecretLines } from '../../../src/node/cli/secret-lines.js'
import { PassPhrases } from '../../../src/node/myproxy/pass-phrases.js'
import { spawnSync } from '../../support/bounded.js'
import { failureOf, rejectionOf } from '../../support/failure.js'
import { makeTemporaryDirectory } from '../../support/temporary-directory.js'

let directory: string
let remove: () => Promise<void>
beforeAll(async () => {
  const temporary = await makeTemporaryDirectory()
  directory = temporary.path
  remove = temporary.remove
})
afterAll(() => remove())

function put(name: string, text: string, mode = 0o600): string {
  const path = join(directory, name)
  writeFileSync(path, text, { mode })
  chmodSync(path, mode)
  return path
}

function opened(text: string): number {
  const descriptor = openSync(put('opened', text), 'r')
  onTestFinished(() => closeSync(descriptor))
  return descriptor
}

/** A pipe that a shell writes to, and that stays open. */
function piped(script: string): SecretLines {
  const pipe = join(directory, 'pipe')
  spawnSync('mkfifo', [pipe], { timeout: 10_000 })
  const descriptor = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
  const child = spawn('sh', ['-c', `exec >"$0"; ${script}`, pipe], { stdio: 'ignore' })
  onTestFinished(() => void child.kill())
  return new SecretLines(descriptor)
}

const text = async (line: Promise<Buffer>) => (await line).toString()

describe('SecretLines', () => {
  it.each([
    ['two lines', 'one\ntwo\n', ['one', 'two']],
    ['no line feed at the end', 'one\ntwo', ['one', 'two']],
    ['lines of Windows', 'one\r\ntwo\r\n', ['one', 'two']],
    ['spaces, which belong to it', ' one \n', [' one ']],
    ['UTF-8', 'grün\n', ['grün']],
  ])('gives %s one after the other', async (_name, content, expected) => {
    const lines = new SecretLines(opened(content))
    for (const line of expected) expect(await text(lines.next('it'))).toBe(line)
    const failure = await rejectionOf(lines.next('the key'))
    expect(failure.code).toBe('PASS_PHRASE_REQUIRED')
    expect(failure.message).toMatch(
      /^the key needs a pass phrase, and nothing came from descriptor \d+$/,
    )
  })

  it('waits for what a pipe gives in pieces, and for no more than it was asked for', async () => {
    const lines = piped('printf on; sleep 0.1; printf "e\\ntwo\\n"')
    expect(await text(lines.next('it'))).toBe('one')
    expect(await text(lines.next('it'))).toBe('two')
  })

  it('refuses a line of 4097 bytes, and an empty one', async () => {
    const long = await rejectionOf(new SecretLines(opened(`${'x'.repeat(4097)}\n`)).next('it'))
    expect(long.message).toContain('more than 4096 bytes came from')
    expect(JSON.stringify(long.data)).not.toContain('xxx')
    expect((await new SecretLines(opened(`${'x'.repeat(4096)}\n`)).next('it')).length).toBe(4096)
    const empty = await rejectionOf(new SecretLines(opened('\nnext\n')).next('it'))
    expect(empty.code).toBe('PASS_PHRASE_REQUIRED')
  })

  it('says which descriptor is not open', async () => {
    const failure = await rejectionOf(new SecretLines(987).next('it'))
    expect(failure).toMatchObject({ code: 'USAGE', data: { descriptor: 987 } })
  })
})

describe('PassPhrases', () => {
  it('takes the old and the new one from two lines of a file', async () => {
    const passPhrases = new PassPhrases({ file: put('two', 'old one\nnew one\n') })
    expect(await text(passPhrases.current())).toBe('old one')
    expect(await text(passPhrases.chosen())).toBe('new one')
  })

  it('takes 6 bytes for a new one, and not 5', async () => {
    const six = new PassPhrases({ file: put('six', '123456\n') })
    expect(await text(six.chosen())).toBe('123456')
    const five = new PassPhrases({ file: put('five', '12345\n') })
    expect(await rejectionOf(five.chosen())).toMatchObject({
      code: 'PASS_PHRASE_UNSUITABLE',
      data: { reason: 'short', least: 6 },
    })
    const shorter = new PassPhrases({ file: put('shorter', '12345\n') })
    expect(await text(shorter.current())).toBe('12345')
  })

  it.each([0o640, 0o604, 0o620, 0o700])('refuses a file of mode %o', async (mode) => {
    const file = put(`mode-${mode}`, 'correct horse\n', mode)
    const failure = await rejectionOf(new PassPhrases({ file }).current())
    expect(failure.code).toMatch(/^(FILE_UNSAFE|PASS_PHRASE_FILE)/)
    expect(failure.message).not.toContain('correct')
  })

  it('says that a file is missing', async () => {
    const failure = await rejectionOf(new PassPhrases({ file: join(directory, 'none') }).current())
    expect(failure.data.path).toBe(join(directory, 'none'))
  })

  it('follows a link of the caller’s, as for every file that was named', async () => {
    const link = join(directory, 'link')
    symlinkSync(put('behind', 'correct horse\n'), link)
    expect(await text(new PassPhrases({ file: link }).current())).toBe('correct horse')
  })

  it('takes one source alone', () => {
    const failure = failureOf(() => new PassPhrases({ stdin: true, file: '/x' }))
    expect(failure.code).toBe('USAGE')
  })
})
