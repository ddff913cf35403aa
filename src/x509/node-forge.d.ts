/** The parts of node-forge that are loaded alone: the whole of it is ten times as large. */
declare module 'node-forge/lib/rc2.js' {
  import type { rc2 } from 'node-forge'

  const value: typeof rc2
  export default value
}

declare module 'node-forge/lib/util.js' {
  import type { util } from 'node-forge'

  const value: typeof util
  export default value
}
