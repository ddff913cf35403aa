import { describe, expect, it } from 'vitest'
import { LineEditor } from '../../../src/node/cli/line-editor.js'

const typed = (...chunks: (string | Buffer)[]) => {
  const editor = new LineEditor(20)
  const outcomes = chunks.map((chunk) => editor.type(Buffer.from(chunk)))
  return { outcome: outcomes.at(-1), line: editor.take().toString('utf8') }
}

describe('LineEditor', () => {
  it.each([
    ['a line and a return', ['secret\r'], 'secret'],
    ['a line and a newline', ['secret\n'], 'secret'],
    ['nothing at all', ['\r'], ''],
    ['keys one by one', ['s', 'e', 'c', '\r'], 'sec'],
    ['two letters taken back with delete', ['secXX\x7f\x7fret\r'], 'secret'],
    ['a letter taken back with backspace', ['secX\x08ret\r'], 'secret'],
    ['more taken back than there was', ['ab\x7f\x7f\x7fc\r'], 'c'],
    ['a letter of two octets taken back', ['grä\x7fün\r'], 'grün'],
    ['a letter of four octets taken back', ['a🔑\x7fb\r'], 'ab'],
    ['a letter whose octets come apart', [Buffer.from([0xc3]), Buffer.from([0xa4, 0x0d])], 'ä'],
    ['a line begun anew with Ctrl-U', ['wrong\x15right\r'], 'right'],
    ['Ctrl-D within a line', ['ab\x04c\r'], 'abc'],
    ['more than 20 octets', ['123456789012345678901234\r'], '12345678901234567890'],
    ['a line and the beginning of the next', ['one\rtwo'], 'one'],
  ])('takes %s', (_what, chunks, line) => {
    expect(typed(...chunks)).toEqual({ outcome: 'entered', line })
  })

  it.each([
    ['Ctrl-C', 'sec\x03'],
    ['Ctrl-\\', '\x1c'],
    ['Ctrl-D on an empty line', '\x04'],
  ])('is cancelled by %s', (_what, keys) => {
    expect(typed(keys).outcome).toBe('cancelled')
  })

  it('keeps nothing of what it gave away', () => {
    const editor = new LineEditor(20)
    editor.type(Buffer.from('secret'))
    expect(editor.take().toString()).toBe('secret')
    expect(editor.take().toString()).toBe('')
  })
})
