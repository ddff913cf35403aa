import { describe, expect, it } from 'vitest'
import { encodePem, parsePem } from '../../../src/x509/pem.js'
import { cpuSecondsOf } from '../../support/cpu-time.js'
import { failureOf } from '../../support/failure.js'

const der = Buffer.from(Array.from({ length: 100 }, (_, index) => index))
const block = encodePem('CERTIFICATE', der)

describe('parsePem', () => {
  it('finds blocks in their order between any other text', () => {
    const text = `Bag Attributes\n  x: y\n${block}\nsubject=/CN=a\n\n${encodePem('PRIVATE KEY', Buffer.of(1))}`
    expect(parsePem(text).map(({ label, bytes }) => [label, bytes.length])).toEqual([
      ['CERTIFICATE', 100],
      ['PRIVATE KEY', 1],
    ])
  })

  it('finds nothing in text without blocks and in binary', () => {
    expect(parsePem('nothing\nhere')).toEqual([])
    expect(parsePem(Buffer.from([0, 255, 10, 13, 45, 45]))).toEqual([])
  })

  it.each([
    ['CRLF line ends', block.replaceAll('\n', '\r\n')],
    ['blanks at line ends', block.replaceAll('\n', '  \n')],
    ['no final newline', block.trimEnd()],
    ['one long line', block.replace(/(?<=[A-Za-z0-9+/])\n(?=[A-Za-z0-9+/])/g, '')],
  ])('takes %s', (_name, text) => {
    expect(parsePem(text)[0]?.bytes).toEqual(der)
  })

  it('keeps the headers of an encrypted key', () => {
    const text = block.replace('\n', '\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,00112233\n\n')
    expect(Object.fromEntries(parsePem(text)[0]?.headers ?? [])).toEqual({
      'Proc-Type': '4,ENCRYPTED',
      'DEK-Info': 'DES-CBC,00112233',
    })
  })

  it.each([
    ['a block that does not end', block.replace(/-----END.*\n/, ''), 5],
    ['an end without a beginning', block.replace(/-----BEGIN.*\n/, ''), 4],
    ['an end with another label', block.replace('END CERTIFICATE', 'END X'), 5],
    ['a block inside a block', `-----BEGIN X-----\n${block}`, 2],
    ['a character that is not base64', block.replace('A', '!'), 5],
    ['a missing character', block.replace('A', ''), 5],
    ['padding in the middle', block.replace('AAEC', 'A=EC'), 5],
    ['bits after the end', encodePem('X', Buffer.of(0)).replace('AA==', 'AB=='), 3],
    ['nothing in it', '-----BEGIN X-----\n-----END X-----\n', 2],
    ['headers without an empty line', block.replace('\n', '\nProc-Type: 4,ENCRYPTED\n'), 6],
    ['an empty line in the middle', block.replace('\n', '\n\n'), 6],
  ])('refuses %s and says in which line', (_name, text, line) => {
    expect(failureOf(() => parsePem(text))).toMatchObject({ code: 'PEM_MALFORMED', data: { line } })
  })

  it('takes less than 10 s of computing for 4 MB of dashes, colons and spaces', () => {
    const hostile = [`-----${' '.repeat(1e6)}`, `a:${' '.repeat(1e6)}x`, '-'.repeat(2e6)].join('\n')
    expect(cpuSecondsOf(() => expect(parsePem(hostile)).toEqual([]))).toBeLessThan(10)
  })
})

describe('encodePem', () => {
  it('writes lines of 64 characters and ends with a newline', () => {
    const lines = block.split('\n')
    expect(lines.map((line) => line.length)).toEqual([27, 64, 64, 8, 25, 0])
  })
})
