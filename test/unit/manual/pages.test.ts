import { describe, expect, it } from 'vitest'
import { commandFacts, pageName } from '../../../scripts/manual/command-facts.js'
import { commandPage } from '../../../scripts/manual/command-page.js'
import { SERVICE_ACTIONS } from '../../../scripts/manual/completion-values.js'
import type { Setting } from '../../../src/config/setting.js'
import { SETTINGS } from '../../../src/config/settings.js'
import { DIRECTIVES } from '../../../src/myproxy/server/config/directives.js'
import { parseServerConfig } from '../../../src/myproxy/server/config/parse-server-config.js'
import { parseArguments } from '../../../src/node/service/renewd.js'
import { EXIT } from '../../../src/report/exit-status.js'
import { commands, manual, PROGRAM, plain } from '../../support/manual.js'

const files = manual()
const pages = Object.entries(files).filter(([name]) => name.startsWith('man/'))
const text = (name: string) => plain(files[name] ?? '')

/** Macros of man(7) that groff and mandoc both know, and the requests that a synopsis needs. */
const MACROS = /^\.(TH|SH|SS|PP|TP|RS|RE|EX|EE|B|I|BR|IR|RB|br|nh|hy|ad)( |$)|^[^.']/

describe('every page', () => {
  it('is there: one a command, and those of the program, the service and the configuration', () => {
    const expected = [
      'man/man1/vobox-proxy.1',
      'man/man5/vobox-myproxy-server.config.5',
      'man/man5/vobox-proxy.config.5',
      'man/man8/vobox-renewd.8',
      ...commands.map((command) => `man/man1/vobox-proxy-${pageName(command)}.1`),
    ]
    expect(pages.map(([name]) => name).sort()).toEqual(expected.sort())
    expect(expected).not.toContain('man/man1/vobox-proxy-write-machine-proxy.1')
  })

  it.each(pages)(
    '%s is plain man(7): ASCII, known macros, nothing left open or to fill in',
    (name, page) => {
      const [heading = '', ...lines] = page.split('\n')
      const [title = '', section = ''] =
        name
          .split('/')
          .at(-1)
          ?.split(/\.(?=\d$)/) ?? []
      const shown = title.toUpperCase().replaceAll('-', '\\-')
      expect(heading).toBe(`.TH ${shown} ${section} 2026-01-31 "vobox\\-proxy 1.2.3"`)
      expect(lines[0]).toBe('.SH NAME')
      expect(lines[1]?.split(' \\- ')[0]).toBe(title.replaceAll('-', '\\-'))
      expect(page).toMatch(/^[\n\x20-\x7e]+$/)
      expect(page).not.toMatch(/@[A-Z_]+@/)
      expect(lines.pop()).toBe('')
      for (const line of lines) expect(line).toMatch(MACROS)
      for (const [open, close] of [
        ['RS', 'RE'],
        ['EX', 'EE'],
      ]) {
        const count = (macro: string | undefined) =>
          lines.filter((line) => line.split(' ')[0] === `.${macro}`).length
        expect(count(open)).toBe(count(close))
      }
      expect(page.split('\\f').length % 2, 'fonts that end').toBe(1)
      expect(page).not.toMatch(/\.S[HS] .*\n\.PP/)
    },
  )
})

describe('the page of a command', () => {
  it.each(commands)('$name has its options, its examples and its summary', (command) => {
    const page = text(`man/man1/${PROGRAM}-${pageName(command)}.1`)
    expect(page).toContain(`${command.summary}.`)
    for (const { name, char, value, description } of command.flags) {
      const word = value === undefined ? `--${name}` : `--${name} ${value}`
      expect(page).toContain(`${char === undefined ? '' : `-${char}, `}${word} ${description}`)
    }
    for (const example of command.examples) expect(page).toContain(example.command)
    expect(page).not.toContain('<%=')
  })

  it('shows what a value may be, what excludes what, and other names of the command', () => {
    const [command] = commandFacts(
      {
        check: {
          summary: 'Looks',
          hiddenAliases: ['look'],
          flags: {
            form: {
              type: 'option',
              description: 'how',
              helpValue: 'FORM',
              options: ['json', 'nagios'],
            },
            quiet: { type: 'boolean', char: 'q', description: 'less', exclusive: ['form'] },
            out: { type: 'option', description: 'where', required: true, multiple: true },
          },
        },
      },
      PROGRAM,
    )
    if (command === undefined) throw new Error('no command')
    const page = plain(commandPage(PROGRAM, command, { version: '1.2.3', date: '2026-01-31' }))
    expect(page).toContain(
      'vobox-proxy check [--form FORM] [--quiet] --out VALUE ... [common option ...]',
    )
    expect(page).toContain('--form FORM how; one of json, nagios')
    expect(page).toContain('-q, --quiet less; not beside --form')
    expect(page).toContain('also known as look.')
  })

  it.each([
    ['a command without a summary', { x: {} }],
    ['an option without a description', { x: { summary: 's', flags: { a: { type: 'boolean' } } } }],
    ['an example without an explanation', { x: { summary: 's', examples: ['x -a'] } }],
  ])('is not made for %s', (_name, sources) => {
    expect(() => commandFacts(sources, PROGRAM)).toThrow(TypeError)
  })

  it('leaves hidden commands and hidden options out', () => {
    const flags = { a: { type: 'boolean', description: 'a', hidden: true } }
    const [only, ...others] = commandFacts(
      { x: { summary: 's', flags }, y: { hidden: true } },
      PROGRAM,
    )
    expect([only?.name, only?.flags, others]).toEqual(['x', [], []])
  })
})

/** Names of environment variables of all settings. */
function variables(group: object): string[] {
  return Object.values(group).flatMap((value) => {
    if (!('parse' in value)) return variables(value)
    const { environment } = value as Setting<unknown>
    return environment === undefined ? [] : [environment]
  })
}

describe('pages written by hand', () => {
  const section = (page: string, title: string) =>
    plain(
      files[page]?.split(/^\.SH /m).find((part) => part.replaceAll('"', '').startsWith(title)) ??
        '',
    )

  it('list every command, with a reference to its page', () => {
    const page = text('man/man1/vobox-proxy.1')
    for (const command of commands)
      expect(page).toContain(`vobox-proxy-${pageName(command)} (1) ${command.summary}`)
  })

  it.each(variables(SETTINGS))('tell of the variable %s', (name) => {
    expect(section('man/man1/vobox-proxy.1', 'ENVIRONMENT')).toContain(name)
  })

  it('tell of every exit status, and of no other', () => {
    const found = files['man/man1/vobox-proxy.1']?.match(/^\.B \d+$/gm)
    expect(found).toEqual(Object.values(EXIT).map((status) => `.B ${status}`))
  })

  it.each(SERVICE_ACTIONS)('tell of the action %s, which the service knows', (action) => {
    expect(parseArguments(['alice', 'alicesgm', '/root', action]).action).toBe(action)
    expect(files['man/man8/vobox-renewd.8']).toContain(`\n.B ${action}\n`)
  })

  it('may not ask for what nobody knows', () => {
    expect(() => manual({ templates: { 'x.1': '@NONSENSE@' } })).toThrow('@NONSENSE@')
  })
})

describe('vobox-proxy.config(5)', () => {
  it('has a definition for every row of docs/configuration.md', () => {
    const page = files['man/man5/vobox-proxy.config.5'] ?? ''
    const keys = [...page.matchAll(/^\.TP\n\\fB([a-z0-9_.\\-]+)\\fR \(/gm)].map(([, key]) => key)
    expect(keys).toContain('limits.refuse_below_seconds')
    expect(keys.length).toBe(new Set(keys).size)
    expect(plain(page)).toContain('renewal.lifetime_seconds (43200) lifetime asked for')
    expect(plain(page)).toContain('servers = ["myproxy.example.org", "myproxy2.example.org:7512"]')
  })
})

describe('vobox-myproxy-server.config(5)', () => {
  const NAME = 'man/man5/vobox-myproxy-server.config.5'
  const page = files[NAME] ?? ''
  const kindsOf = (kind: string, isKind: boolean) =>
    Object.entries(DIRECTIVES)
      .filter(([, directive]) => (directive.kind === kind) === isKind)
      .map(([name]) => name)
  const named = (pattern: RegExp) => [...page.matchAll(pattern)].map(([, name = '']) => name)

  it('defines each of the directives that the server takes, and no other', () => {
    const taken = kindsOf('refused', false).filter((name) => DIRECTIVES[name]?.kind !== 'obsolete')
    const defined = named(/(?<=^\.TP\n.*)\\fB([a-z_]+)\\fR/gm)
    expect(taken.length).toBeGreaterThan(40)
    expect(defined.sort()).toEqual(taken.sort())
  })

  it.each([
    ['refused', /^There is no PAM/m],
    ['obsolete', /^Without effect/m],
  ])('names every directive that is %s, in a paragraph of their own', (kind, first) => {
    const [, , listed = ''] = /(^There is no .*?\.PP\n)(.*?)\n\.PP/ms.exec(page) ?? []
    const [obsolete = ''] = /^Without effect.*?(?=\n\.S)/ms.exec(page) ?? []
    expect(page).toMatch(first)
    const text = kind === 'refused' ? listed : obsolete
    const names = [...text.matchAll(/[a-z]+(?:_[A-Za-z]+)+|\b(?:pam|sasl)\b/g)].map(([one]) => one)
    expect(names.sort()).toEqual(kindsOf(kind, true).sort())
  })

  it('has an example that the server takes', () => {
    const [, example = ''] = /^\.EX\n(.*?)^\.EE/ms.exec(page) ?? []
    const { acceptedCredentials, defaultRenewers, lines } = parseServerConfig(
      Buffer.from(example),
      '/etc/myproxy-server.config',
    )
    expect(acceptedCredentials).toEqual(['/DC=org/DC=example/*'])
    expect(defaultRenewers).toEqual(['none'])
    expect(lines.size).toBe(4)
  })
})
