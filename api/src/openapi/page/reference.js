// Scalar (npm @scalar/api-reference) over this gateway's own documents. Nothing comes from elsewhere.
const names = document.getElementById("reference").dataset.surfaces.split(" ");
Scalar.createApiReference("#reference", {
  sources: names.map((name) => ({
    title: name,
    slug: name,
    url: `/openapi/${name}.json`,
    default: name === "paygate",
  })),
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
  hiddenClients: {
    c: true, clojure: true, csharp: true, dart: true, fsharp: true, go: true, http: true,
    java: true, kotlin: true, objc: true, ocaml: true, php: true, powershell: true,
    r: true, ruby: true, rust: true, swift: true,
    js: ["axios", "jquery", "ofetch", "xhr"],
    node: ["axios", "fetch", "ofetch"],
    python: ["aiohttp", "httpx_async", "httpx_sync"],
    shell: ["httpie", "wget"],
  },
  withDefaultFonts: false,
  telemetry: false,
  showDeveloperTools: "never",
  hideClientButton: true,
  mcp: { disabled: true },
  agent: { disabled: true },
});
