/** What `npm run build` leaves for man(1) and for the shells. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { HOME, manual } from '../support/manual.js'

const dist = join(HOME, 'dist')
const { version } = JSON.parse(readFileSync(join(HOME, 'package.json'), 'utf8'))

/** The day of a build is its own affair. */
const undated = (text: string) => text.replace(/^(\.TH \S+ \d) \d{4}-\d\d-\d\d /, '$1 DATE ')

it.each(Object.entries(manual({ version })))(
  '%s is built as the commands are now',
  (name, text) => {
    expect(undated(readFileSync(join(dist, name), 'utf8'))).toBe(undated(text))
  },
)

it('nothing else is built beside them', () => {
  const built = ['man', 'completion'].flatMap((directory) =>
    readdirSync(join(dist, directory), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(dist.length + 1)),
  )
  expect(built.sort()).toEqual(Object.keys(manual()).sort())
})

it('npm packs every page that it is to install, and finds each of them named', async () => {
  const pages = Object.keys(manual()).filter((name) => name.startsWith('man/'))
  const { man } = JSON.parse(readFileSync(join(HOME, 'package.json'), 'utf8'))
  expect([...man].sort()).toEqual(pages.map((name) => `dist/${name}`).sort())
  const words = ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline']
  const { stdout } = await execa('npm', words, { cwd: HOME })
  const [{ files }] = JSON.parse(stdout)
  expect(files.map(({ path }: { path: string }) => path)).toEqual(expect.arrayContaining(man))
})
