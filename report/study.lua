-- Title and subtitle of the documents come from the study, not from the document: the same text serves any cohort.
-- A document with a title of its own (the supplement) keeps it, and gets the study's as subtitle.

local function read(path)
  local file = io.open(path, "r")
  if not file then
    return nil
  end
  local text = file:read("a")
  file:close()
  return pandoc.json.decode(text)
end

-- Authors and keywords for the front matter of Quarto's JATS, as its template takes them; other formats print them in the text.
local function front(meta, study)
  local authors, places, ids = pandoc.List({}), pandoc.List({}), {}
  for _, author in ipairs(study.authors or {}) do
    local given, family = author.name:match("^(.*) (%S+)$")
    local entry = { name = { literal = author.name, given = given or "", family = family or author.name } }
    if author.orcid and author.orcid ~= "" then
      entry.orcid = "https://orcid.org/" .. author.orcid
    end
    local place = author.affiliation
    if place and place ~= "" then
      if not ids[place] then
        ids[place] = tostring(#places + 1)
        places:insert({ id = "aff-" .. ids[place], name = place })
      end
      entry.affiliations = { { id = "aff-" .. ids[place], letter = ids[place] } }
    end
    authors:insert(entry)
  end
  local words = pandoc.List({})
  for word in ((study.statements or {}).keywords or ""):gmatch("[^;]+") do
    words:insert((word:gsub("^%s+", ""):gsub("%s+$", "")))
  end
  meta.authors, meta["by-author"], meta.affiliations, meta.tags = authors, authors, places, words
end

function Pandoc(doc)
  local study = read("../results/study.json")
  if not study then
    return nil
  end
  local meta = doc.meta
  if meta.title then
    meta.subtitle = pandoc.MetaInlines(pandoc.Inlines(study.title))
  else
    meta.title = pandoc.MetaInlines(pandoc.Inlines(study.title))
    if study.subtitle and study.subtitle ~= "" then
      meta.subtitle = pandoc.MetaInlines(pandoc.Inlines(study.subtitle))
    end
  end
  meta.pagetitle = pandoc.utils.stringify(meta.title)
  if quarto and FORMAT:match("jats") then
    front(meta, study)
  end
  if study.simulated then
    -- For the PDF's page header (header.typ); no other format sees it.
    doc.blocks:insert(1, pandoc.RawBlock("typst", "#study-simulated.update(true)"))
  end
  return doc
end
