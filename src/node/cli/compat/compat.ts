/** Our program under the names of other tools: `compat/` holds launchers that put the name first. */

import { GLITE_PROXY_RENEW } from './glite-tools.js'
import { GRID_PROXY_INFO, VOMS_PROXY_INFO } from './info-tools.js'
import { GRID_PROXY_INIT, VOMS_PROXY_INIT } from './init-tools.js'
import { MYPROXY_TOOLS } from './myproxy-tools.js'
import type { CompatTool } from './translate.js'

const TOOLS: ReadonlyMap<string | undefined, CompatTool> = new Map(
  [
    VOMS_PROXY_INIT,
    GRID_PROXY_INIT,
    VOMS_PROXY_INFO,
    GRID_PROXY_INFO,
    GLITE_PROXY_RENEW,
    ...MYPROXY_TOOLS,
  ].map((tool) => [tool.name, tool]),
)

export const COMPAT_NAMES: readonly string[] = [...TOOLS.values()].map(({ name }) => name)

/** The tool that the first word of a command line names, if any. */
export function compatToolOf(words: readonly string[]): CompatTool | undefined {
  return TOOLS.get(words[0])
}
