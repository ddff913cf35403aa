/** Who may do what with a credential that is stored; for `init` and `store`. */
import { Flags } from '@oclif/core'
import type { AccessOption } from '../../src/index.js'

/** The parser takes it several times, so that whoever gives two is told that one alone counts. */
export const patternFlag = (char: 'r' | 'R' | 'Z' | 'E', description: string) =>
  Flags.string({
    char,
    description: `${description}; once`,
    helpValue: 'PATTERN',
    multiple: true,
    multipleNonGreedy: true,
  })

export const accessFlags = {
  'allow-anonymous-retrievers': Flags.boolean({
    char: 'a',
    description: 'whoever knows the pass phrase may retrieve, without a credential of their own',
  }),
  'allow-anonymous-renewers': Flags.boolean({
    char: 'A',
    description:
      'every client that the server lets renew may renew it; init then takes no pass phrase',
  }),
  'regex-dn-match': Flags.boolean({
    char: 'x',
    description: 'patterns behind this option are of whole DNs',
  }),
  'match-cn-only': Flags.boolean({
    char: 'X',
    description: 'patterns behind this option are of common names, as at first',
  }),
  'retrievable-by': patternFlag('r', 'who may retrieve, with the pass phrase'),
  'renewable-by': patternFlag('R', 'who may renew; init then takes no pass phrase'),
  'retrievable-by-cert': patternFlag(
    'Z',
    'who may retrieve without a pass phrase; init then takes no pass phrase',
  ),
  creddesc: Flags.string({
    char: 'K',
    description: 'description of the credential',
    helpValue: 'TEXT',
  }),
}

/** Options as they stood: what `-x` says holds for those behind it. */
export function accessOptionsOf(
  raw: readonly { type: string; flag?: string; input?: string }[],
): AccessOption[] {
  return raw.flatMap(({ type, flag, input }) =>
    type === 'flag' && flag !== undefined ? [{ name: flag, value: input }] : [],
  )
}
