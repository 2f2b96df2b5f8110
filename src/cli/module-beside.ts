/**
 * The URL of the module `name` beside the one whose `import.meta.url` is given. The compiler
 * rewrites imports but not strings, so the extension comes from the asking file's own name: .ts
 * where Node runs the sources, .js where it runs what was built.
 */
export function moduleBeside(url: string, name: string): URL {
  return new URL(`./${name}${url.slice(url.lastIndexOf("."))}`, url);
}
