import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { PassPhraseFiles } from '../../../src/renewal/pass-phrase-file.js'
import { rejectionOf } from '../../support/failure.js'

const SECRET = 'open sesame'
const uid = process.getuid?.() ?? 0
const root = mkdtempSync(join(tmpdir(), 'vobox-phrase-'))
afterAll(() => rmSync(root, { recursive: true }))

let count = 0
let path: string
const passPhrases = new PassPhraseFiles({ files: nodeFiles, owners: [0, uid] })
const put = (text: string | Buffer, mode = 0o600) => writeFileSync(path, text, { mode })
const read = () => passPhrases.lend(path, async (phrase) => Buffer.from(phrase).toString())

beforeEach(() => {
  path = join(root, `phrase-${count++}`)
})

describe('a pass phrase file', () => {
  it.each([
    ['one line', `${SECRET}\n`],
    ['a line without an end', SECRET],
    ['a line that ends as on Windows', `${SECRET}\r\n`],
    ['a second line, which is not read', `${SECRET}\nsomething else\n`],
  ])('with %s gives its first line', async (_name, text) => {
    put(text)
    expect(await read()).toBe(SECRET)
  })

  it('of mode 0400 is read too, and what is no UTF-8 comes byte for byte', async () => {
    put(Buffer.from([0xff, 0x20, 0xfe, 0x0a]), 0o400)
    const bytes = await passPhrases.lend(path, async (phrase) => Buffer.from(phrase))
    expect(bytes).toEqual(Buffer.from([0xff, 0x20, 0xfe]))
  })

  it('is read anew each time: a change counts at the next renewal', async () => {
    put('first\n')
    expect(await read()).toBe('first')
    put('second\n')
    expect(await read()).toBe('second')
  })

  it('leaves nothing behind: what was lent is wiped, also after a failure', async () => {
    put(SECRET)
    let lent: Uint8Array = Buffer.alloc(0)
    const failing = passPhrases.lend(path, async (phrase) => {
      lent = phrase
      throw new Error('refused')
    })
    await expect(failing).rejects.toThrow('refused')
    expect(Buffer.from(lent)).toEqual(Buffer.alloc(SECRET.length))
  })

  it.each<[string, string, () => void, RegExp]>([
    ['is missing', 'missing', () => undefined, /^Put it back, as the VO admin and with mode 0600/],
    ['is empty', 'empty', () => put(''), /^Write the pass phrase into it, on one line/],
    ['begins with an empty line', 'empty', () => put(`\n${SECRET}\n`), /^Write the pass phrase/],
    ['can be read by its group', 'mode', () => put(SECRET, 0o640), /^chmod 0600 /],
    ['can be executed', 'mode', () => put(SECRET, 0o700), /^chmod 0600 /],
    ['is longer than 4096 bytes', 'too-large', () => put('x'.repeat(4097)), /^Write the pass/],
    ['is a symbolic link', 'symlink', () => link(), /^Write the pass phrase into it/],
  ])('that %s is refused with a cure, and its text is in no error', async (...row) => {
    const [, reason, prepare, cure] = row
    prepare()
    const error = await rejectionOf(read())
    expect(error).toMatchObject({
      code: 'PASS_PHRASE_FILE_UNUSABLE',
      persistence: 'permanent',
      data: { path, reason },
    })
    expect(error.hint).toMatch(cure)
    expect(inspect(error, { depth: 9 })).not.toContain(SECRET)
  })

  it('of another user than the VO admin and root is refused: uid is not among the owners', async () => {
    put(SECRET)
    const others = new PassPhraseFiles({ files: nodeFiles, owners: [uid + 1] })
    const error = await rejectionOf(others.check(path))
    expect(error).toMatchObject({
      code: 'PASS_PHRASE_FILE_UNUSABLE',
      data: { reason: 'owner', uid },
    })
    expect(error.hint).toMatch(/^It must belong to the VO admin: as root, chown it/)
  })
})

function link(): void {
  const target = `${path}-target`
  writeFileSync(target, SECRET, { mode: 0o600 })
  symlinkSync(target, path)
}
