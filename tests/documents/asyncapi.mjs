// Reads an AsyncAPI document from stdin, and holds it against the specification with the parser of its authors.

import { text } from 'node:stream/consumers'
import { Parser } from '@asyncapi/parser'

// Advice, not faults: 3.0 is what the tools of today read, and no document is wrong for being of it.
const ADVICE = new Set(['asyncapi-latest-version'])

const { document, diagnostics } = await new Parser().parse(await text(process.stdin))
const faults = diagnostics.filter((each) => !ADVICE.has(each.code))
for (const { code, path, message } of faults) {
  console.error(`asyncapi: ${path.join('/')}: ${message} (${code})`)
}
if (faults.length > 0 || document === undefined) process.exit(1)

const count = (things) => things.all().length
console.log(`asyncapi: OK, ${count(document.operations())} operations, ${count(document.messages())} messages`)
