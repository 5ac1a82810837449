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
  if study.simulated then
    -- For the PDF's page header (header.typ); no other format sees it.
    doc.blocks:insert(1, pandoc.RawBlock("typst", "#study-simulated.update(true)"))
  end
  return doc
end
