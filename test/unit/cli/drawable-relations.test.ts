import { expect, it } from 'vitest'
import { drawableRelations } from '../../../src/node/cli/drawable-relations.js'

type Option = { name: string; exclusive?: string[]; dependsOn?: string[] }

it('keeps a pair that excludes each other, and leaves out what has to do with a third option', () => {
  const options: Record<string, Option> = {
    all: { name: 'all', exclusive: ['dn'] },
    dn: { name: 'dn' },
    nagios: { name: 'nagios', exclusive: ['json', 'quiet'] },
    json: { name: 'json' },
    quiet: { name: 'quiet', exclusive: ['verbose'] },
    verbose: { name: 'verbose' },
    out: { name: 'out', dependsOn: ['json'] },
  }
  const drawn = Object.values(drawableRelations<Option>(options))
  expect(drawn.flatMap(({ exclusive = [] }) => exclusive)).toEqual(['dn'])
  expect(drawn.flatMap(({ dependsOn = [] }) => dependsOn)).toEqual([])
})
