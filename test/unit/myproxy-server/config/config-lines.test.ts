import { describe, expect, it } from 'vitest'
import { readConfigLines } from '../../../../src/myproxy/server/config/config-lines.js'
import { failureOf } from '../../../support/failure.js'

const PATH = '/etc/myproxy-server.config'
const read = (text: string | Uint8Array) => readConfigLines(Buffer.from(text), PATH)
const words = (text: string) => read(text).map(({ directive, words }) => [directive, ...words])

describe('readConfigLines', () => {
  it.each([
    ['words between blanks and tabs', ' a \t b\tc ', ['a', 'b', 'c']],
    ['blanks inside of quotation marks', 'a "b c" d', ['a', 'b c', 'd']],
    ['an empty word in quotation marks', 'a ""', ['a', '']],
    ['no mark behind a backslash as the end', 'a "b\\"c" d', ['a', 'b\\"c', 'd']],
    ['the next word right behind a mark', 'a "b"c', ['a', 'b', 'c']],
    ['a mark inside of a word as a letter', 'a b"c d"', ['a', 'b"c', 'd"']],
    ['apostrophes as letters', "a 'b c'", ['a', "'b", "c'"]],
    ['a comment behind a word', 'a b # "c', ['a', 'b']],
    ['a number sign inside of a word', 'a b#c', ['a', 'b#c']],
    ['a number sign in quotation marks', 'a "#c"', ['a', '#c']],
    ['a backslash at the end as itself', 'a \\', ['a', '\\']],
  ])('reads %s', (_what, text, expected) => {
    expect(words(text)).toEqual([expected])
  })

  it('counts lines from 1, those without a directive too, and needs no line end at the last', () => {
    expect(read('# comment\n\n  \na 1\n#"\nb 2').map(({ line }) => line)).toEqual([4, 6])
  })

  it.each([
    ['a mark that is not closed', 'a\nb "c\n', 2, 'a quotation mark is not closed'],
    ['a mark that a backslash keeps from closing', 'a "c\\\\" b', 1, 'a quotation mark is not'],
    ['line ends of DOS', 'a b\r\n', 1, 'ends as lines of DOS do'],
    ['1024 bytes', `a\n\n${'b'.repeat(1024)}`, 3, 'a line of 1024 bytes'],
    ['NUL', 'a b\0', 1, 'is not text in UTF-8'],
    ['what is not UTF-8', Buffer.from('61ff', 'hex'), 1, 'is not text in UTF-8'],
  ])('refuses %s, with its line', (_what, text, line, problem) => {
    const { code, data, message } = failureOf(() => read(text))
    expect({ code, data }).toEqual({ code: 'CONFIG_INVALID', data: { path: PATH, line } })
    expect(message).toContain(`${PATH}:${line}: ${problem}`)
  })

  it('takes a line of 1023 bytes', () => {
    expect(words(`a ${'b'.repeat(1021)}`)[0]?.[1]).toHaveLength(1021)
  })
})
