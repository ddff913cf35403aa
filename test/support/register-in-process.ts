/** Registers one name, then reports what it saw: `node SCRIPT ROOT NAME`. */
import { registration, registryBelow } from './registry.js'

const [root = '', name = ''] = process.argv.slice(2)
const { registry } = registryBelow(root)

registry
  .update(name, () => registration(name))
  .then(
    (registered) => process.stdout.write(`${registered?.fileName}\n`),
    (error: unknown) => {
      process.stderr.write(`${error}\n`)
      process.exitCode = 1
    },
  )
