import { describe, expect, it } from 'vitest'
import { markdownToRoff } from '../../../scripts/manual/markdown-page.js'
import { literal, page, prose, roff, section } from '../../../scripts/manual/roff.js'

describe('roff', () => {
  it.each([
    ['a backslash', 'a\\nb', 'a\\enb'],
    ['dashes, which must be copied as they are', '--no-voms', '\\-\\-no\\-voms'],
    ['quotes, which roff would curl', "'all' `x`", '\\(aqall\\(aq \\(gax\\(ga'],
    ['a tilde and a caret', '~/^', '\\(ti/\\(ha'],
    ['what is not ASCII', '…→', '\\[u2026]\\[u2192]'],
    ['a character beyond 16 bits', '😀', '\\[u1F600]'],
    ['a control character', 'a\nb', 'a\\[u000A]b'],
  ])('escapes %s', (_name, text, escaped) => {
    expect(roff(text)).toBe(escaped)
  })
})

describe('prose', () => {
  it('sets in bold what stands in backticks, and shows the text of a link alone', () => {
    expect(prose('see `a-b` in [the table](docs/x.md#y)')).toBe('see \\fBa\\-b\\fR in the table')
  })

  it('never begins a line with a full stop, and keeps lines to 78 characters', () => {
    const lines = prose(`.TH ${'.word '.repeat(100)}`).split('\n')
    expect(lines.length).toBeGreaterThan(7)
    for (const line of lines) {
      expect(line).toMatch(/^\\&\./)
      expect(line.length).toBeLessThanOrEqual(78)
    }
  })

  it('refuses a backtick that is not closed', () => {
    expect(() => prose('run `this')).toThrow(TypeError)
  })
})

describe('literal', () => {
  it('guards lines that roff would take for requests, and keeps empty ones', () => {
    const lines = literal(['.so /etc/passwd', '', "'s quoted"]).split('\n')
    expect(lines).toEqual([
      '.PP',
      '.RS 4',
      '.EX',
      '\\&.so /etc/passwd',
      '\\&',
      '\\(aqs quoted',
      '.EE',
      '.RE',
    ])
  })
})

describe('page', () => {
  it('names its date and version, and begins a section without a paragraph of its own', () => {
    const edition = { version: '1.2.3', date: '2026-01-31' }
    expect(page('a-b', edition, section('NAME', '.PP\nx'))).toBe(
      '.TH A\\-B 1 2026-01-31 "vobox\\-proxy 1.2.3"\n.SH NAME\nx\n',
    )
  })
})

describe('markdownToRoff', () => {
  it('makes a paragraph, a definition for each row and a literal block', () => {
    const markdown = [
      '# Title',
      '',
      'One paragraph',
      'on two lines.',
      '',
      '| key | default | means |',
      '|---|---|---|',
      '| `a.b_c` | `12` | twelve |',
      '',
      '```toml',
      'a = 1',
      '',
      'b = 2',
      '```',
      '',
    ].join('\n')
    expect(markdownToRoff(markdown).split('\n')).toEqual([
      '.PP',
      'One paragraph on two lines.',
      '.TP',
      '\\fBa.b_c\\fR (\\fB12\\fR)',
      'twelve',
      '.PP',
      '.RS 4',
      '.EX',
      'a = 1',
      '\\&',
      'b = 2',
      '.EE',
      '.RE',
    ])
  })

  it.each([
    ['a heading of the second level', '## Two'],
    ['a list', '- one\n- two'],
    ['a numbered list', '1. one'],
    ['a table of two columns', '| a | b |\n|---|---|\n| 1 | 2 |'],
    ['a row without its default', '| a | b | c |\n|---|---|---|\n| 1 | | 3 |'],
    ['a block of code that is not closed', '```\ncode'],
  ])('refuses %s, which it could not show', (_name, markdown) => {
    expect(() => markdownToRoff(markdown)).toThrow(TypeError)
  })
})
